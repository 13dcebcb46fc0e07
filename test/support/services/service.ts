export const SERVICE_NAMES = ['rabbitmq', 'mysql', 'redis'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Where the tests reach each service. The MySQL user may create databases; its URL names none. */
export type ServiceUrls = Readonly<Record<ServiceName, string>>;

/** A service that the tests started themselves, so that a test may break it. */
export interface Service {
  /** Stays the same over `stop` and `start`. */
  readonly url: string;
  /** Undefined while it does not run, and when it runs in a container. */
  readonly pid: number | undefined;
  /** Resolves when it serves. */
  start(): Promise<void>;
  /** Ends it in an orderly way; its data stays. Safe when it does not run. */
  stop(): Promise<void>;
  /** Ends it with a signal and waits until it is gone; its data stays as a crash leaves it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it at once and removes its data. */
  remove(): Promise<void>;
}

export interface RabbitService extends Service {
  /** Runs `rabbitmqctl` against this broker and returns what it prints. */
  ctl(...args: readonly string[]): Promise<string>;
}
