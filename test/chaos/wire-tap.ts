import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Stage } from './stage.js';
import { type Protocol, type Trap, type Unit, unitsOf } from './wire.js';

/** `before`: the unit never reaches the other side. `after`: it is the last that does. */
export type Moment = 'before' | 'after';

interface Snare {
  readonly moment: Moment;
  readonly strike: () => void;
}

/**
 * A TCP proxy between a gateway and a service, which reads along, and strikes at the very unit that its trap knows: between two
 * packets, where no signal that is sent by chance ever lands.
 */
export class WireTap {
  /** The service's URL by this proxy. */
  readonly url: string;
  readonly #server: Server;
  readonly #target: URL;
  readonly #protocol: Protocol;
  readonly #trap: () => Trap;
  readonly #sockets = new Set<Socket>();
  #snare: Snare | undefined;

  /** Before the service at `url`; closed when the stage ends. */
  static async start(stage: Stage, url: string, protocol: Protocol, trap: () => Trap): Promise<WireTap> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tap = new WireTap(server, new URL(url), protocol, trap);
    stage.atEnd(() => tap.#close());
    return tap;
  }

  private constructor(server: Server, target: URL, protocol: Protocol, trap: () => Trap) {
    this.#server = server;
    this.#target = target;
    this.#protocol = protocol;
    this.#trap = trap;
    const here = new URL(target);
    here.hostname = '127.0.0.1';
    here.port = String(addressOf(server).port);
    this.url = here.href;
    server.on('connection', (client) => this.#join(client));
  }

  /** Resolves when `strike` has run, which happens in the moment that the next such unit is read. */
  strike(moment: Moment, strike: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#snare = {
        moment,
        strike() {
          strike();
          resolve();
        },
      };
    });
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const both = [client, server];
    const end = () => {
      for (const socket of both) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end).on('close', end);
    }
    const trap = this.#trap();
    const passes = (unit: Unit): boolean => {
      const snare = this.#snare;
      // The trap sees every unit: it remembers what came before.
      if (!trap(unit) || snare === undefined) return true;
      this.#snare = undefined;
      const { moment, strike } = snare;
      if (moment === 'before') {
        strike();
        end();
        return false;
      }
      const to = unit.from === 'client' ? server : client;
      to.write(unit.bytes, () => strike());
      return false;
    };
    this.#pipe('client', client, server, passes);
    this.#pipe('server', server, client, passes);
  }

  #pipe(from: Unit['from'], source: Socket, target: Socket, passes: (unit: Unit) => boolean): void {
    const cut = unitsOf(this.#protocol);
    source.on('data', (chunk: Buffer) => {
      for (const bytes of cut(chunk)) if (passes({ from, bytes }) && !target.destroyed) target.write(bytes);
      if (target.writableNeedDrain) {
        source.pause();
        target.once('drain', () => source.resume());
      }
    });
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the tap has no port');
  return address;
}
