import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { type RetryPolicy, retryDelay } from '../../model/retry-policy.js';
import type { Logger } from '../../ports/logger.js';
import { Nodes } from './nodes.js';

const CONNECT_TIMEOUT_MS = 10_000;
/** With other nodes to turn to, a frozen one is not waited for that long, unless none has answered. */
const TURN_AWAY_MS = 4_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** A connection or channel that lived for this long was a good one: after it, the backoff starts anew. */
export const GOOD_AFTER_MS = 5_000;

/** A gateway has two connections: a try every few seconds is nothing to a broker, and a broker that is back is found soon. */
const RECONNECT: RetryPolicy = {
  maxRetries: Number.POSITIVE_INFINITY,
  backoff: { kind: 'exponential', initialMs: 100, multiplier: 2, maxMs: 3_000, jitter: 0.5 },
};
/** What the broker refuses, it will refuse again for a while. */
const REFUSED: RetryPolicy = {
  maxRetries: Number.POSITIVE_INFINITY,
  backoff: { kind: 'exponential', initialMs: 100, multiplier: 2, maxMs: 10_000, jitter: 0.5 },
};

/** How long to wait with what the broker refused, after so many failures in a row (1, 2, …), in milliseconds. */
export function retryAfter(failures: number): number {
  return retryDelay(REFUSED, failures) ?? 0;
}

export interface ConnectionOptions {
  /** `amqp://` or `amqps://`; several are nodes of one cluster, any of which will do. */
  readonly urls: readonly string[];
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly heartbeatSeconds: number;
  readonly logger: Logger;
  /** Sets up what the connection is for. When it rejects, the connection is closed and tried again. */
  up(model: ChannelModel): Promise<void>;
  /** `reason`: in RabbitMQ's words, if it had any. */
  down(reason: string): void;
  /** An alarm of the broker (memory, disk) stops publishers, or is over. */
  blocked(blocked: boolean): void;
}

/**
 * A connection that heals by itself.
 *
 *   down ─── connect ──▶ setting up ──▶ up ──┐
 *    ▲ backoff, endless      │               │ closed
 *    └───────────────────────┴───────────────┘
 *
 * Of several nodes each is tried once, without a wait, before the backoff.
 *
 * amqplib's own `recovery` is not used: it misses a connection that is closed while its setup runs, and has no words for
 * why a handshake failed.
 */
export class RabbitConnection {
  readonly #options: ConnectionOptions;
  readonly #nodes: Nodes;
  readonly #stop = new AbortController();
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #model: ChannelModel | undefined;
  /** The node that serves, as `host:port`. */
  #up: string | undefined;
  /** What was last wrong with each node while none is up, in words that follow its name. */
  readonly #problems: Map<string, string>;
  #alarm: string | undefined;
  #connects = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#nodes = new Nodes(options.urls, options.heartbeatSeconds);
    this.#problems = new Map(this.#nodes.hosts.map((host) => [host, 'is not connected yet']));
  }

  /** Resolves after every node was tried, or one is up. */
  start(): Promise<void> {
    this.#started ??= new Promise((tried) => {
      this.#running = this.#keep(tried);
    });
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#close();
    await Promise.race([this.#running, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  /** How often it came up. */
  get connects(): number {
    return this.#connects;
  }

  get up(): boolean {
    return this.#up !== undefined;
  }

  health(): string | undefined {
    if (this.#up === undefined) {
      return `RabbitMQ at ${Array.from(this.#problems, ([host, problem]) => `${host} ${problem}`).join('; at ')}`;
    }
    if (this.#alarm !== undefined) return `RabbitMQ at ${this.#up} takes no messages now: ${this.#alarm}`;
    return undefined;
  }

  async #keep(tried: () => void): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const began = performance.now();
      const node = this.#nodes.next();
      const before = this.#problems.get(node.host);
      let lost = false;
      try {
        const patience = failures === 0 && this.#nodes.size > 1 ? TURN_AWAY_MS : CONNECT_TIMEOUT_MS;
        const reason = await this.#connect(node, patience, tried);
        this.#problems.set(node.host, `closed the connection: ${reason}`);
        lost = true;
      } catch (error) {
        this.#problems.set(node.host, describe(error, node));
      }
      if (lost) this.#nodes.lost(node);
      else if (this.#nodes.tried) tried();
      if (this.#stop.signal.aborted) return;
      let wait = 0;
      if (lost || this.#nodes.tried) {
        failures = performance.now() - began > GOOD_AFTER_MS + CONNECT_TIMEOUT_MS ? 1 : failures + 1;
        wait = retryDelay(RECONNECT, failures) ?? 0;
      }
      this.#say(node.host, before, wait);
      await delay(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #say(host: string, before: string | undefined, retryInMs: number): void {
    const { logger, name } = this.#options;
    const problem = this.#problems.get(host);
    const fields = { connection: name, problem: `RabbitMQ at ${host} ${problem}`, retryInMs };
    if (problem === before) logger.debug(fields, 'RabbitMQ is still away');
    else logger.warn(fields, 'RabbitMQ is away');
  }

  /** Resolves when a connection that was up has ended, with the reason. */
  async #connect(node: URL, timeout: number, tried: () => void): Promise<string> {
    const { name, logger, up, down, blocked } = this.#options;
    const model = await connectTo(node, name, timeout);
    let reason: string | undefined;
    const closed = new Promise<string>((resolve) => {
      // Without a listener an 'error' would end the process; 'close' always follows it.
      model.on('error', (error) => {
        reason = error.message;
      });
      model.once('close', (error) => {
        const said = reason ?? error?.message ?? 'as asked';
        reason = said;
        resolve(said);
      });
    });
    model.on('blocked', (reason) => {
      this.#alarm = reason;
      logger.warn({ connection: name, reason }, 'RabbitMQ blocks publishers');
      blocked(true);
    });
    model.on('unblocked', () => {
      this.#alarm = undefined;
      logger.info({ connection: name }, 'RabbitMQ takes messages again');
      blocked(false);
    });
    model.on('handler-error', (error, event) => logger.error({ connection: name, event, error }, 'a listener failed'));
    this.#model = model;
    try {
      if (this.#stop.signal.aborted) return 'stopped';
      const ended = await Promise.race([up(model).then(() => undefined), closed]);
      if (ended !== undefined) throw new Error(ended);
      this.#up = node.host;
      this.#connects++;
      // What is known of the others is of the past from now on.
      for (const host of this.#problems.keys()) this.#problems.set(host, 'is not connected');
      logger.info({ connection: name, broker: node.host }, 'connected to RabbitMQ');
      tried();
      return await closed;
    } finally {
      this.#up = undefined;
      await this.#close();
      this.#alarm = undefined;
      down(reason ?? '');
      blocked(false);
    }
  }

  async #close(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    if (model === undefined) return;
    // A broker that is frozen never answers the close; the heartbeat then ends the socket.
    const closing = model.close().catch(() => undefined);
    await Promise.race([closing, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

/** `name`: shown in the broker's list of connections. */
export function connectTo(node: URL, name: string, timeout: number): Promise<ChannelModel> {
  const clientProperties = { connection_name: name };
  return connect(node.href, { timeout, keepAlive: true, noDelay: true, clientProperties });
}

/** amqplib keeps it there, and says so nowhere. */
export function socketOf(model: ChannelModel): Socket | undefined {
  const stream: unknown = Reflect.get(model.connection, 'stream');
  return stream instanceof Socket ? stream : undefined;
}

/** Ends a connection whose broker does not answer any more, though it lives; it is made anew as after any loss. */
export function drop(model: ChannelModel, why: string): void {
  socketOf(model)?.destroy(new Error(why));
}

/** Why a connection could not be made, in words that follow "RabbitMQ at host". No secrets. */
function describe(error: unknown, url: URL): string {
  const user = decodeURIComponent(url.username) || 'guest';
  // Node gives the failure of several addresses of one host as an error without words, but with a code.
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const text = error instanceof Error && error.message !== '' ? error.message : code;
  if (text.includes('ACCESS_REFUSED') && text.includes('Handshake')) {
    return `refuses the user "${user}": the user name or the password is wrong`;
  }
  if (text.includes('Expected ConnectionOpenOk')) {
    const vhost = decodeURIComponent(url.pathname.slice(1)) || '/';
    return `does not let the user "${user}" into the virtual host "${vhost}": it does not exist, or the user has no rights there`;
  }
  return `cannot be used: ${text}`;
}
