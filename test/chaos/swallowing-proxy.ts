import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Stage } from './stage.js';

/** A packet of MySQL's protocol: three bytes of length, one of sequence, and a command, which is 3 for a statement. */
const COMMAND_AT = 4;
const STATEMENT = 3;
/** A statement that commits by itself, or the end of one or more that a commit ends. */
const ALONE = /^\s*INSERT INTO deliveries/;
const COMMIT = /COMMIT;?\s*$/;
const LOOK_BYTES = 40;

/**
 * Stands between a gateway and MySQL, and loses the answer to a commit when it is told to: the server has committed, and the
 * gateway's connection ends without a word.
 */
export class SwallowingProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #armed: (() => void) | undefined;

  static async start(stage: Stage, mysqlUrl: string): Promise<SwallowingProxy> {
    const proxy = new SwallowingProxy(new URL(mysqlUrl));
    proxy.#server.listen(0, '127.0.0.1');
    stage.atEnd(() => proxy.#close());
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  get port(): number {
    const { port } = this.#server.address() as AddressInfo;
    return port;
  }

  /** Resolves when the answer to the next commit was lost. */
  swallow(): Promise<void> {
    return new Promise((resolve) => {
      this.#armed = resolve;
    });
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port || 3306), this.#target.hostname);
    let swallowed: (() => void) | undefined;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    client.on('data', (sent) => {
      if (this.#armed !== undefined && isCommit(sent)) {
        swallowed = this.#armed;
        this.#armed = undefined;
      }
      server.write(sent);
    });
    server.on('data', (answer) => {
      if (swallowed === undefined) {
        client.write(answer);
        return;
      }
      swallowed();
      end();
    });
  }

  async #close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function isCommit(sent: Buffer): boolean {
  if (sent[COMMAND_AT] !== STATEMENT) return false;
  const start = sent.toString('latin1', COMMAND_AT + 1, COMMAND_AT + 1 + LOOK_BYTES);
  return ALONE.test(start) || COMMIT.test(sent.toString('latin1', Math.max(COMMAND_AT + 1, sent.length - LOOK_BYTES)));
}
