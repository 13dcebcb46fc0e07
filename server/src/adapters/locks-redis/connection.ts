import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { type Logger, silentLogger } from '../../ports/logger.js';
import type { Connections, Dependency } from '../../ports/service.js';

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RETRY_MS = 5_000;
/** How often Redis is asked whether it answers. */
const PING_MS = 1_000;
/** A Redis that answers nothing for so long is given up, and connected to anew: the machine behind it may be gone. */
const SILENT_MS = 5_000;

export interface RedisConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** The number of the database. Default 0. */
  readonly db?: number;
  /** The first part of every key. Default `waybill`. */
  readonly prefix?: string;
  readonly logger?: Logger;
}

/** A Lua script that Redis holds while a connection is up. */
export interface Script {
  readonly sha: string;
}

/**
 * The connection to Redis that locks and dedupe share. It heals by itself; while it is away, or frozen, commands fail at once
 * instead of waiting.
 */
export class RedisConnection implements Dependency {
  readonly name = 'redis';
  readonly prefix: string;
  readonly logger: Logger;
  readonly #address: string;
  readonly #redis: Redis;
  readonly #scripts = new Map<string, string>();
  readonly #listeners: (() => void)[] = [];
  #started: Promise<void> | undefined;
  #ready = false;
  /** When the oldest question without an answer was asked; undefined while Redis answers. */
  #silentSince: number | undefined;
  #problem: string | undefined = 'is not connected yet';
  #pinging: NodeJS.Timeout | undefined;
  #connects = 0;

  constructor(options: RedisConnectionOptions) {
    const { host, port, username, password, db = 0, prefix = 'waybill', logger = silentLogger } = options;
    this.prefix = prefix;
    this.logger = logger;
    this.#address = `${host}:${port}`;
    this.#redis = new Redis({
      host,
      port,
      db,
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      connectionName: 'waybill',
      connectTimeout: CONNECT_TIMEOUT_MS,
      lazyConnect: true,
      // Nothing waits for a connection, and nothing is sent twice: whoever asks knows better what a missing answer means.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Nothing of RESP3 is used, and Redis before 6 does not know it.
      protocol: 2,
      retryStrategy: (times) => Math.min(50 * 2 ** times, MAX_RETRY_MS) * (0.5 + Math.random() / 2),
    });
    this.#redis.on('error', (error) => this.#failed(error));
    this.#redis.on('ready', () => this.#becameReady());
    this.#redis.on('close', () => {
      if (this.#ready) this.#problem = 'closed the connection';
      if (this.#ready) this.logger.warn({ redis: this.#address }, 'Redis is away');
      this.#ready = false;
      this.#silentSince = undefined;
    });
  }

  /** Resolves after the first attempt, however it ended. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async stop(): Promise<void> {
    clearInterval(this.#pinging);
    this.#ready = false;
    this.#problem = 'is not connected any more';
    // Not `quit`: a frozen Redis would never answer it.
    this.#redis.disconnect();
  }

  health(): string | undefined {
    if (this.#problem !== undefined) return `Redis at ${this.#address} ${this.#problem}`;
    return this.#silentSince === undefined ? undefined : `Redis at ${this.#address} does not answer`;
  }

  connections(): Connections {
    return { connects: this.#connects, open: this.#ready ? 1 : 0 };
  }

  /** The client while Redis is there and answers. */
  get client(): Redis | undefined {
    return this.#ready && this.#silentSince === undefined ? this.#redis : undefined;
  }

  /** Makes a script known to Redis, now and on every new connection. */
  script(lua: string): Script {
    const sha = createHash('sha1').update(lua).digest('hex');
    this.#scripts.set(sha, lua);
    if (this.#ready) this.loadScripts();
    return { sha };
  }

  /** Called now, if Redis is there, and on every new connection. */
  onReady(listener: () => void): void {
    this.#listeners.push(listener);
    if (this.#ready) listener();
  }

  /** Again, when Redis has lost them (`SCRIPT FLUSH`). */
  loadScripts(): void {
    for (const lua of this.#scripts.values()) {
      this.#redis.script('LOAD', lua).catch((error: unknown) => {
        this.logger.warn({ error }, 'a script could not be loaded into Redis');
      });
    }
  }

  /**
   * Somebody got no answer in time: nobody else shall wait for as long, so the client is taken away until Redis answers again.
   */
  gotNoAnswer(): void {
    if (!this.#ready || this.#silentSince !== undefined) return;
    this.#silentSince = performance.now();
    this.logger.warn({ redis: this.#address }, 'Redis does not answer');
    this.#ping();
  }

  async #start(): Promise<void> {
    this.#pinging = setInterval(() => this.#ping(), PING_MS);
    await this.#redis.connect().catch(() => undefined);
  }

  #becameReady(): void {
    // What is sent after the scripts finds them: Redis works in order.
    this.loadScripts();
    this.#connects++;
    this.#ready = true;
    this.#silentSince = undefined;
    this.#problem = undefined;
    this.logger.info({ redis: this.#address }, 'connected to Redis');
    for (const listener of this.#listeners) listener();
  }

  #failed(error: Error): void {
    const problem = describe(error);
    if (problem !== this.#problem) this.logger.warn({ redis: this.#address, problem }, 'Redis is away');
    this.#problem = problem;
  }

  #ping(): void {
    if (!this.#ready) return;
    const asked = performance.now();
    if (this.#silentSince !== undefined && asked - this.#silentSince > SILENT_MS) {
      this.#problem = 'does not answer';
      this.#redis.disconnect(true);
      return;
    }
    let answered = false;
    const late = setTimeout(() => {
      if (!answered && this.#ready) this.gotNoAnswer();
    }, PING_MS / 2);
    this.#redis
      .ping()
      .then(() => {
        this.#silentSince = undefined;
      })
      .catch(() => undefined)
      .finally(() => {
        answered = true;
        clearTimeout(late);
      });
  }
}

/** Why Redis can't be used, in words that follow "Redis at host". No secrets. */
function describe(error: Error): string {
  const text = error.message === '' && 'code' in error ? String(error.code) : error.message;
  if (/WRONGPASS|invalid password/.test(text)) return 'refuses the user name or the password';
  if (text.includes('NOAUTH')) return 'wants a password';
  return `cannot be used: ${text}`;
}
