import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/**
 * Stands between a client and a TCP service, and is the trouble on the way.
 *
 *   pass    carries bytes, with the delay that was asked for
 *   stall   keeps connections open, takes new ones, and carries nothing: no end, no reset
 *   cut     refuses connections, as a service that is down does
 */
export class TcpProxy {
  readonly port: number;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #stalled = false;
  #delay = { ms: 0, jitterMs: 0 };
  #accepted = 0;
  #resets = 0;
  #bytes = 0;

  /** On a port of 127.0.0.1, before `host:port`. */
  static async start(target: string): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { hostname, port } = new URL(`tcp://${target}`);
    return new TcpProxy(server, { host: hostname, port: Number(port) });
  }

  private constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    this.#server = server;
    this.#target = target;
    this.port = portOf(server);
    server.on('connection', (client) => this.#accept(client));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** What happened so far: connections taken, connections reset, bytes carried. */
  get counts() {
    return { accepted: this.#accepted, resets: this.#resets, bytes: this.#bytes };
  }

  pass(): void {
    this.#stalled = false;
    for (const pair of this.#pairs) for (const socket of ends(pair)) socket.resume();
  }

  stall(): void {
    this.#stalled = true;
    for (const pair of this.#pairs) for (const socket of ends(pair)) socket.pause();
  }

  /** Every piece of data takes so long on its way, in each direction, and stays in order. */
  delay(ms: number, jitterMs = 0): void {
    this.#delay = { ms, jitterMs };
  }

  /** Ends every connection, or so many of them at random, with a RST on both sides. */
  reset(most = Number.POSITIVE_INFINITY): void {
    const chosen = [...this.#pairs].sort(() => Math.random() - 0.5).slice(0, most);
    for (const pair of chosen) {
      this.#resets++;
      for (const socket of ends(pair)) socket.resetAndDestroy();
    }
  }

  /** Refuses connections, and resets those that are open. */
  async cut(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }

  /** Takes connections again, on the same port. */
  async mend(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.cut();
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const pair = { client, target: connect({ ...this.#target, noDelay: true }) };
    client.setNoDelay(true);
    this.#pairs.add(pair);
    this.#carry(pair, client, pair.target);
    this.#carry(pair, pair.target, client);
    if (this.#stalled) for (const socket of ends(pair)) socket.pause();
  }

  #carry(pair: Pair, from: Socket, to: Socket): void {
    // Timers of different lengths that are due together may go off in any order, so there is one for all that waits.
    const waiting: { readonly due: number; readonly work: () => void }[] = [];
    const work = () => {
      for (let next = waiting[0]; next !== undefined && next.due <= performance.now(); next = waiting[0]) {
        waiting.shift();
        next.work();
      }
      const [next] = waiting;
      if (next !== undefined) setTimeout(work, Math.max(1, next.due - performance.now()));
    };
    const later = (piece: () => void) => {
      const { ms, jitterMs } = this.#delay;
      if (ms === 0 && waiting.length === 0) return piece();
      waiting.push({ due: performance.now() + ms + Math.random() * jitterMs, work: piece });
      if (waiting.length === 1) setTimeout(work, ms);
    };
    from.on('data', (data) => {
      this.#bytes += data.length;
      later(() => {
        if (to.destroyed || to.write(data)) return;
        from.pause();
        to.once('drain', () => {
          if (!this.#stalled) from.resume();
        });
      });
    });
    from.on('end', () => later(() => to.end()));
    // The other side is told as it happened: what was reset is reset.
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      if (pair.client.destroyed && pair.target.destroyed) this.#pairs.delete(pair);
    });
  }
}

function ends({ client, target }: Pair): Socket[] {
  return [client, target];
}

function portOf(server: Server): number {
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
  return address.port;
}
