import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool, type PoolConnection } from 'mysql2';
import { type RetryPolicy, retryDelay } from '../../model/retry-policy.js';
import type { Logger } from '../../ports/logger.js';
import type { Connections, Dependency } from '../../ports/service.js';
import { describe, faultOf, isCrowded, unavailable } from './errors.js';
import { prepareDatabase, SchemaTooNew } from './migrations.js';
import { packetProblem } from './packet.js';
import { Session } from './session.js';

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** Above InnoDB's lock wait (see SESSION), so that a wait for a lock ends as a conflict. */
const STATEMENT_TIMEOUT_MS = 15_000;
/**
 * A connection that says nothing for so long is closed by the server: a gateway that freezes in the middle of a transaction
 * would keep its rows locked for the eight hours that are the default. The pool opens a new one when it needs one.
 */
const SILENT_SECONDS = 30;
/** A server without a place for one more connection is asked again after this long, if none of ours is free before. */
const CROWDED_MS = 500;
/** Conflicts in a row before a caller that does not wait for healing gets its error. */
const CONFLICT_TRIES = 10;

/** One connection tries for all: every few seconds is nothing to a server, and a server that is back is found soon. */
const RECONNECT: RetryPolicy = {
  maxRetries: Number.POSITIVE_INFINITY,
  backoff: { kind: 'exponential', initialMs: 100, multiplier: 2, maxMs: 3_000, jitter: 0.5 },
};

const AGAIN: RetryPolicy = {
  maxRetries: Number.POSITIVE_INFINITY,
  backoff: { kind: 'exponential', initialMs: 4, multiplier: 2, maxMs: 1_000, jitter: 0.75 },
};

/**
 * Literals are escaped with backslashes, so the mode must allow them; strict, so that nothing is cut off in silence.
 * READ COMMITTED locks no gaps, which are where groups of inserts would deadlock.
 */
const SESSION = [
  `SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1, innodb_lock_wait_timeout = 5,
   wait_timeout = ${SILENT_SECONDS}`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

export interface MysqlOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Made when it does not exist and the user may. */
  readonly database: string;
  /** The most connections at once, 1 or more; one more is used for a moment while connecting. Default 8. */
  readonly connectionLimit?: number;
  /** The largest message that is published, config `MaxMessageBytes`: a server that cannot keep it is warned of. Default 0. */
  readonly maxMessageBytes?: number;
  readonly logger: Logger;
}

/**
 * The way to MySQL or MariaDB: a pool of connections that heals by itself.
 *
 *   away ── prepare: connect, database, schema, a write ──▶ up
 *    ▲ backoff, endless                                      │ a statement fails for want of the server
 *    └───────────────────────────────────────────────────────┘
 */
export class MysqlConnection implements Dependency {
  readonly name = 'mysql';
  readonly #options: MysqlOptions;
  readonly #pool: Pool;
  readonly #open = new Set<PoolConnection>();
  /** Those of them that nobody uses now. */
  readonly #idle = new Set<PoolConnection>();
  /** How many wait for the pool. */
  #asking = 0;
  /** Those that wait because the server has no place for one more connection, in order. */
  readonly #turns = new Set<() => void>();
  /** Connections, by the server's number, that were open when the server was lost: most are dead, some without knowing. */
  readonly #suspects = new Set<number>();
  /** Gives up work that is under way, when the server does not answer at the end. */
  readonly #abandon = new Set<() => void>();
  readonly #stop = new AbortController();
  #starting: Promise<void> | undefined;
  #healing: Promise<void> | undefined;
  #problem: string | undefined = 'is not connected yet';
  #packetBytes = 0;
  #connects = 0;

  constructor(options: MysqlOptions) {
    this.#options = options;
    const { host, port, user, password, database, connectionLimit = 8 } = options;
    this.#pool = createPool({
      host,
      port,
      user,
      password,
      database,
      connectionLimit,
      connectTimeout: CONNECT_TIMEOUT_MS,
      charset: 'utf8mb4',
      // Statements of one transaction travel together: see Session.later. Every value in them goes through statements/literals.ts.
      multipleStatements: true,
      // An update that changes nothing must count as none: see statements/deliveries.ts.
      flags: ['-FOUND_ROWS'],
      // Statements come with their values written in: looking for placeholders took 9 % of the gateway's time under load.
      queryFormat: (sql) => sql,
      // Traces of the caller cost an Error object a statement.
      trace: false,
      // None is prepared, and for the 16,000 that are the default each connection makes room at once: half a megabyte.
      maxPreparedStatements: 1,
    });
    this.#pool.on('connection', (connection) => this.#opened(connection));
    this.#pool.on('acquire', (connection) => this.#idle.delete(connection));
    this.#pool.on('release', (connection) => {
      if (this.#suspects.has(connection.threadId)) this.#discard(connection);
      else this.#freed(connection);
    });
  }

  /** Resolves after the first attempt, however it ended; rejects only when the schema is a newer gateway's. */
  start(): Promise<void> {
    this.#starting ??= this.#first();
    return this.#starting;
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#problem = 'was stopped';
    const closed = Promise.all([
      this.#starting?.catch(() => undefined),
      this.#healing,
      new Promise<void>((resolve) => this.#pool.end(() => resolve())),
    ]);
    // A server that is frozen never answers the goodbye.
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    for (const connection of this.#open) connection.destroy();
    for (const abandon of this.#abandon) abandon();
  }

  health(): string | undefined {
    if (this.#problem === undefined) return undefined;
    return `MySQL at ${this.#options.host}:${this.#options.port} ${this.#problem}`;
  }

  connections(): Connections {
    const waiting = this.#asking + this.#turns.size;
    return { connects: this.#connects, open: this.#open.size, idle: this.#idle.size, waiting };
  }

  /**
   * Runs the work now, and again when it lost a conflict. Rejects with LEDGER_UNAVAILABLE when the server is away, or the
   * outcome is not known.
   */
  async once<T>(work: (session: Session) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      if (this.#problem !== undefined) throw unavailable(this.health() ?? '');
      try {
        return await this.#untilStop(this.#use(work));
      } catch (error) {
        const fault = faultOf(error);
        if (fault === 'final') throw error;
        if (fault === 'away') this.#lost(error);
        if (fault === 'away' || tries === CONFLICT_TRIES) throw unavailable(this.#describe(error), error);
        await this.#pause(AGAIN, tries);
      }
    }
  }

  /** Runs the work until its outcome is known, however long the server is away: it must be safe to repeat. Rejects with LEDGER_UNAVAILABLE by `stop`. */
  async always<T>(work: (session: Session) => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      await this.#healing;
      if (this.#stop.signal.aborted) throw unavailable(this.health() ?? '');
      if (this.#problem !== undefined) {
        // Not started yet, or lost a moment ago.
        await this.#pause(AGAIN, failures);
        continue;
      }
      try {
        return await this.#untilStop(this.#use(work));
      } catch (error) {
        const fault = faultOf(error);
        if (fault === 'final') throw error;
        if (fault === 'away') this.#lost(error);
        await this.#pause(AGAIN, failures);
      }
    }
  }

  #untilStop<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abandon = () => reject(unavailable(this.health() ?? ''));
      this.#abandon.add(abandon);
      work.then(resolve, reject).finally(() => this.#abandon.delete(abandon));
    });
  }

  async #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    try {
      const result = await work(
        new Session(connection.promise(), { timeoutMs: STATEMENT_TIMEOUT_MS, packetBytes: this.#packetBytes }),
      );
      connection.release();
      return result;
    } catch (error) {
      // A statement may still run on a connection that did not answer, and one to a former primary stays read-only.
      if (faultOf(error) === 'away') this.#discard(connection);
      else connection.release();
      throw error;
    }
  }

  async #connect(): Promise<PoolConnection> {
    for (;;) {
      const connection = await this.#get();
      if (!this.#suspects.has(connection.threadId)) return connection;
      this.#discard(connection);
    }
  }

  async #get(): Promise<PoolConnection> {
    for (;;) {
      try {
        return await this.#ask();
      } catch (error) {
        // Where others are open, or about to be, they do the work, one piece after the other.
        if (!isCrowded(error) || this.#open.size + this.#asking === 0) throw error;
        await this.#turn();
      }
    }
  }

  #ask(): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      this.#asking++;
      this.#pool.getConnection((error, connection) => {
        this.#asking--;
        if (error === null) resolve(connection);
        else reject(error);
      });
    });
  }

  /** Until a connection is free, or one more may be had by now. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      const come = () => {
        clearTimeout(timer);
        this.#turns.delete(come);
        resolve();
      };
      const timer = setTimeout(come, CROWDED_MS).unref();
      this.#turns.add(come);
    });
  }

  #freed(connection: PoolConnection): void {
    this.#idle.add(connection);
    const [next] = this.#turns;
    next?.();
  }

  #discard(connection: PoolConnection): void {
    connection.destroy();
    this.#forget(connection);
  }

  #forget(connection: PoolConnection): void {
    this.#open.delete(connection);
    this.#idle.delete(connection);
    this.#suspects.delete(connection.threadId);
  }

  #opened(connection: PoolConnection): void {
    this.#open.add(connection);
    this.#suspects.delete(connection.threadId);
    const closed = () => this.#forget(connection);
    connection.on('end', closed);
    // The pool listens for one error only; another without a listener would end the process.
    connection.on('error', closed);
    // Queued in order, they run before whatever the connection was opened for.
    for (const sql of SESSION) {
      connection.query(sql, (error) => {
        if (error) this.#discard(connection);
      });
    }
  }

  async #first(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      if (error instanceof SchemaTooNew) {
        this.#problem = error.message;
        throw error;
      }
      this.#away(error);
    }
  }

  #lost(error: unknown): void {
    if (this.#problem === undefined) this.#away(error);
  }

  #away(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#problem = this.#describe(error);
    for (const { threadId } of this.#open) this.#suspects.add(threadId);
    this.#options.logger.warn({ problem: this.health() }, 'MySQL is away');
    this.#healing ??= this.#heal();
  }

  async #heal(): Promise<void> {
    for (let failures = 1; !this.#stop.signal.aborted; failures++) {
      await this.#pause(RECONNECT, failures);
      if (this.#stop.signal.aborted) return;
      const before = this.#problem;
      // Nobody uses them now, and connecting may need their places.
      for (const connection of [...this.#idle]) this.#discard(connection);
      try {
        await this.#prepare();
        return;
      } catch (error) {
        this.#problem = this.#describe(error);
        const fields = { problem: this.health(), failures };
        if (this.#problem === before) this.#options.logger.debug(fields, 'MySQL is still away');
        else this.#options.logger.warn(fields, 'MySQL is away');
      }
    }
  }

  async #prepare(): Promise<void> {
    const { packetBytes } = await prepareDatabase({ ...this.#options, connectTimeout: CONNECT_TIMEOUT_MS });
    if (this.#stop.signal.aborted) return;
    this.#packetBytes = packetBytes;
    this.#connects++;
    this.#problem = undefined;
    // In the same step: a loss from here on must begin to heal anew.
    this.#healing = undefined;
    const { host, database, logger, maxMessageBytes = 0 } = this.#options;
    logger.info({ host, database }, 'connected to MySQL');
    const problem = packetProblem(packetBytes, maxMessageBytes);
    if (problem !== undefined) logger.warn({ host, packetBytes, maxMessageBytes }, problem);
  }

  async #pause(policy: RetryPolicy, failures: number): Promise<void> {
    const waitMs = retryDelay(policy, failures) ?? 0;
    await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #describe(error: unknown): string {
    if (error instanceof SchemaTooNew) return error.message;
    return describe(error, this.#options.user, this.#options.database);
  }
}
