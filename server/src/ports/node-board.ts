/**
 * Where gateways tell of themselves.
 *
 * Failure contract: `post` and `list` reject while the store is away. A sheet is gone after its `ttlMs`.
 */
export interface NodeBoard {
  post(sheet: NodeSheet, ttlMs: number): Promise<void>;
  /** Of all gateways, as each told last. */
  list(): Promise<NodeSheet[]>;
  withdraw(name: string): Promise<void>;
}

/** One gateway, as it tells of itself. Times are Unix milliseconds. */
export interface NodeSheet {
  readonly name: string;
  readonly version: string;
  readonly engine: string;
  readonly startedAt: number;
  readonly seenAt: number;
  readonly draining: boolean;
  /** The shards of the schedule whose due messages it publishes. */
  readonly shards: readonly number[];
  readonly consumers: number;
  /** Messages that its consumers hold. */
  readonly inFlight: number;
  readonly totals: Totals;
  /** A second, over the last few. */
  readonly rates: Totals;
  /** At most 1,000. */
  readonly consumerSheets: readonly ConsumerSheet[];
  /** At most 1,000. Absent from a gateway of a version that does not tell. */
  readonly connections?: readonly ConnectionSheet[];
}

/** Who calls a gateway, as far as its calls tell. */
export interface CallerSheet {
  readonly peer: string;
  readonly since: number;
  readonly lastCallAt: number;
  readonly openCalls: number;
  readonly calls: number;
}

export interface ConnectionSheet extends CallerSheet {
  /** Streams. */
  readonly consumers: number;
  /** Messages that they hold. */
  readonly inFlight: number;
}

/** Messages. */
export interface Totals {
  readonly published: number;
  readonly delivered: number;
  readonly acked: number;
  readonly retried: number;
  readonly dead: number;
  readonly expired: number;
}

export interface ConsumerSheet {
  readonly topic: string;
  readonly channel: string;
  readonly name: string;
  readonly kind: 'stream' | 'pull';
  readonly since: number;
  readonly credit: number;
  readonly inFlight: number;
}
