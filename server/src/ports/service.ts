/**
 * Whatever lives long. `start` resolves when the service can be used, or goes on trying in the background and says so by
 * `health`; `stop` is safe twice, and before `start`.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A dependency that can be away for a while. */
export interface Dependency extends Service {
  /** `rabbitmq`, `mysql`, `redis`, `sqlite`. */
  readonly name: string;
  /** Undefined while it works; else what is wrong, in words fit for an operator and without secrets. */
  health(): string | undefined;
  /** Of dependencies that are reached by connections. */
  connections?(): Connections;
}

export interface Connections {
  /** Times that a connection was made, after a loss or at the start; those that a pool makes for itself do not count. */
  readonly connects: number;
  readonly open: number;
  /** Of the open ones: those that nobody uses now. */
  readonly idle?: number;
  /** Who waits for one. */
  readonly waiting?: number;
}
