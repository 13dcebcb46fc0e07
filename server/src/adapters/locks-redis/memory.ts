import type { Clock } from '../../ports/clock.js';
import type { RedisConnection } from './connection.js';

/** Clocks of clients may differ from a gateway's by so much. */
const SKEW_MS = 60_000;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

export interface MemoryOptions {
  readonly windowMs: number;
  /** Whether nothing was ever published on this bus. While that is not known, it rejects. */
  readonly isFresh: () => Promise<boolean>;
  readonly clock: Clock;
}

/**
 * Since when Redis remembers. One that was flushed, restarted without its data, or made to evict keys, knows nothing of an id that
 * it had been told of: the second try of a publish would be taken for new, and be handed out after the first one's ack.
 *
 * So a key without an end says when the memory began. Where it is missing, the memory is lost, or the bus is new; for one window from then on
 * an id that Redis does not know may have been used before, unless the id itself says that it was made later.
 */
export class Memory {
  readonly key: string;
  readonly #connection: RedisConnection;
  readonly #options: MemoryOptions;
  /** Unix milliseconds; undefined while Redis has not said. */
  #since: number | undefined;
  #beginning = false;

  constructor(connection: RedisConnection, options: MemoryOptions) {
    this.key = `${connection.prefix}:remembers-since`;
    this.#connection = connection;
    this.#options = options;
    // Also because a restart may have lost it.
    connection.onReady(() => void this.#look());
  }

  /** What Redis answered for the key together with a question for ids. */
  heard(value: unknown): void {
    this.#since = typeof value === 'string' ? Number(value) : undefined;
    if (this.#since === undefined) void this.#begin();
  }

  /** Asked once for all the ids of an answer; undefined: what Redis does not know is new. Else which of it may have been used all the same. */
  doubts(): ((id: string) => boolean) | undefined {
    const now = this.#options.clock.now();
    const since = this.#since ?? now;
    if (now - since >= this.#options.windowMs) return undefined;
    return (id) => !UUID_V7.test(id) || timeOf(id) <= since + SKEW_MS;
  }

  async #look(): Promise<void> {
    const value = await this.#connection.client?.get(this.key).catch(() => undefined);
    if (value !== undefined) this.heard(value);
  }

  async #begin(): Promise<void> {
    if (this.#beginning) return;
    this.#beginning = true;
    try {
      const fresh = await this.#options.isFresh();
      if (!fresh)
        this.#connection.logger.warn(
          {},
          'Redis has lost its memory of ids: those that it does not know are verified for a while',
        );
      await this.#connection.client?.set(this.key, fresh ? 0 : this.#options.clock.now(), 'NX');
      await this.#look();
    } catch (error) {
      this.#connection.logger.debug({ error }, 'it is not known since when Redis remembers ids');
    } finally {
      this.#beginning = false;
    }
  }
}

/** When a UUIDv7 was made: Unix milliseconds. */
function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
