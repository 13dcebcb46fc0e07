import { connect, type Socket } from 'node:net';
import { setImmediate as tick } from 'node:timers/promises';
import type { Random } from './random.js';

/** Of the answer to one connection, the rest is not looked at. */
const MAX_KEPT_BYTES = 64 * 1024;
/** So many stay open and silent at a time. */
const MAX_HELD = 150;

/** Connections that behave badly, some of which are left open. */
export class HostileConnections {
  readonly #host: string;
  readonly #port: number;
  readonly #open = new Set<Socket>();

  /** `host:port`. */
  constructor(address: string) {
    const [host = '', port = ''] = address.split(':');
    this.#host = host;
    this.#port = Number(port);
  }

  get held(): number {
    return this.#open.size;
  }

  /** Writes the chunks, then ends, breaks or leaves the connection; answers what came back until then. */
  async attack(random: Random, chunks: readonly Buffer[]): Promise<Buffer> {
    const socket = await this.open();
    const received: Buffer[] = [];
    let size = 0;
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_KEPT_BYTES) received.push(chunk);
    });
    for (const chunk of chunks) {
      if (socket.destroyed) break;
      socket.write(chunk);
      if (random.once(3)) await tick();
    }
    switch (this.#open.size > MAX_HELD ? 0 : random.int(4)) {
      case 0:
        socket.end();
        // Whoever does not close in answer is closed, and that is not waited for.
        setTimeout(() => socket.destroy(), 1_000).unref();
        break;
      case 1:
        socket.resetAndDestroy();
        break;
      case 2:
        await tick();
        socket.destroy();
    }
    return Buffer.concat(received);
  }

  async open(): Promise<Socket> {
    const socket = connect(this.#port, this.#host);
    this.#open.add(socket);
    socket.on('error', () => {}); // The other side may close it as it likes.
    socket.on('close', () => this.#open.delete(socket));
    socket.resume();
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
    return socket;
  }

  /** Resolves when the gateway has closed whatever was left open. */
  async allClosed(): Promise<void> {
    await Promise.all([...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
