import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { type RetryPolicy, retryDelay } from '../../model/retry-policy.js';
import type { Logger } from '../../ports/logger.js';

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** A connection or channel that lived for this long was a good one: after it, the backoff starts anew. */
export const GOOD_AFTER_MS = 5_000;

const RECONNECT: RetryPolicy = {
  maxRetries: Number.POSITIVE_INFINITY,
  backoff: { kind: 'exponential', initialMs: 100, multiplier: 2, maxMs: 10_000, jitter: 0.5 },
};

/** How long to wait before the next try, after so many failures in a row (1, 2, …), in milliseconds. */
export function retryAfter(failures: number): number {
  return retryDelay(RECONNECT, failures) ?? 0;
}

export interface ConnectionOptions {
  /** `amqp://` or `amqps://`. */
  readonly url: string;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly heartbeatSeconds: number;
  readonly logger: Logger;
  /** Sets up what the connection is for. When it rejects, the connection is closed and tried again. */
  up(model: ChannelModel): Promise<void>;
  down(): void;
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
 * amqplib's own `recovery` is not used: it misses a connection that is closed while its setup runs, and has no words for
 * why a handshake failed.
 */
export class RabbitConnection {
  readonly #options: ConnectionOptions;
  readonly #url: URL;
  readonly #stop = new AbortController();
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #model: ChannelModel | undefined;
  #problem: string | undefined = 'is not connected yet';
  #alarm: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#url = parseUrl(options.url);
    if (!this.#url.searchParams.has('heartbeat')) {
      this.#url.searchParams.set('heartbeat', String(options.heartbeatSeconds));
    }
  }

  /** Resolves after the first attempt, however it ended. */
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

  health(): string | undefined {
    if (this.#problem !== undefined) return `RabbitMQ at ${this.#url.host} ${this.#problem}`;
    if (this.#alarm !== undefined) return `RabbitMQ at ${this.#url.host} takes no messages now: ${this.#alarm}`;
    return undefined;
  }

  async #keep(tried: () => void): Promise<void> {
    const { logger, name } = this.#options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const began = performance.now();
      const before = this.#problem;
      try {
        this.#problem = `closed the connection: ${await this.#connect(tried)}`;
      } catch (error) {
        this.#problem = describe(error, this.#url);
      }
      tried();
      if (this.#stop.signal.aborted) return;
      failures = performance.now() - began > GOOD_AFTER_MS + CONNECT_TIMEOUT_MS ? 1 : failures + 1;
      const wait = retryAfter(failures);
      const fields = { connection: name, problem: this.health(), retryInMs: wait };
      if (this.#problem === before) logger.debug(fields, 'RabbitMQ is still away');
      else logger.warn(fields, 'RabbitMQ is away');
      await delay(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Resolves when a connection that was up has ended, with the reason. */
  async #connect(tried: () => void): Promise<string> {
    const { name, logger, up, down, blocked } = this.#options;
    const model = await connect(this.#url.href, {
      timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      noDelay: true,
      clientProperties: { connection_name: name },
    });
    const closed = new Promise<string>((resolve) => {
      let reason: string | undefined;
      // Without a listener an 'error' would end the process; 'close' always follows it.
      model.on('error', (error) => {
        reason = error.message;
      });
      model.once('close', (error) => resolve(reason ?? error?.message ?? 'as asked'));
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
      if (ended !== undefined) return ended;
      this.#problem = undefined;
      logger.info({ connection: name, broker: this.#url.host }, 'connected to RabbitMQ');
      tried();
      return await closed;
    } finally {
      await this.#close();
      this.#alarm = undefined;
      down();
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

function parseUrl(url: string): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error('the RabbitMQ address is not a URL: amqp://user:password@host:5672/vhost is expected');
  }
  if (parsed.protocol === 'amqp:' || parsed.protocol === 'amqps:') return parsed;
  throw new Error(`the RabbitMQ address begins with "${parsed.protocol}": amqp: or amqps: is expected`);
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
