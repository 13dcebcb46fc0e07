import { hostname } from 'node:os';
import { parseAddresses } from './address.js';
import { type Duration, milliseconds } from './duration.js';
import { invalidOption } from './errors.js';
import type { Middleware } from './middleware/middleware.js';

/** How to reach a gateway, and the limits of this client. */
export interface ConnectOptions {
  /**
   * `host:port`, or with a scheme: `http://` or `grpc://` (plain), `https://` or `grpcs://` (TLS). Several gateways of one bus: an array, or
   * commas between (`a:9091,b:9091`); a scheme counts for those after it too. Streams and calls spread over all that answer, as
   * they do over all addresses of one name. Default: environment variable `WAYBILL_URL`, then `MQ_HOST`, then `localhost:9091`. Without a port: 9091.
   */
  url?: string | readonly string[];
  /** TLS. `true`: with the system's authorities. PEM text or bytes; `cert` and `key` make it mutual. Default: by the scheme of `url`. */
  tls?: boolean | TlsOptions;
  /** Sent as `authorization: Bearer …`. A function is asked anew for every call and stream. Default: none. */
  token?: string | (() => string);
  /** Who consumes, for the ledger: up to 64 characters. Default: host name and process id. */
  name?: string;
  /** Runs around every handler of every subscription, the first outermost. Default: none. */
  middleware?: readonly Middleware[];
  /** HTTP/2 pings find a dead connection: one every `time`, answered within `timeout`. Default: 20 s and 10 s. At least 1 s and 100 ms. */
  keepalive?: { time?: Duration; timeout?: Duration };
  /** How long a publish or another call may take, with all tries. Default: 30 s. At least 1 ms. */
  deadline?: Duration;
  /** `true`: `connect` resolves at once and dials at the first use. Default: it waits for a gateway, up to `deadline`. */
  lazy?: boolean;
  /** Publishing: the most messages sent and not yet answered; more of them wait here. Default: 10,000. */
  maxInFlight?: number;
  /** Publishing: the most bytes sent and not yet answered. Default: 16 MiB. One batch always goes. */
  maxInFlightBytes?: number;
  /** Publishing: the most messages waiting or unanswered; past it, `publish` rejects with OverloadedError. Default: 100,000. */
  maxPending?: number;
  /** Publishing: the most bytes waiting or unanswered; past it, `publish` rejects with OverloadedError. Default: 256 MiB. */
  maxPendingBytes?: number;
  /** Publishing: the most that travels as one request: 1 to 1,000 messages, and bytes, which one larger message alone may pass. Default: 1,000 and 1 MiB. */
  batch?: { messages?: number; bytes?: number };
}

/** What a bus may be told that is reached without a network. */
export type BusOptions = Omit<ConnectOptions, 'url' | 'tls' | 'token' | 'keepalive' | 'lazy'>;

export interface TlsOptions {
  /** The authorities to trust. Default: the system's. */
  ca?: string | Uint8Array;
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
}

export interface ResolvedOptions {
  /** `host:port` of each gateway. */
  readonly addresses: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly token: () => string | undefined;
  readonly name: string;
  readonly middleware: readonly Middleware[];
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly deadlineMs: number;
  readonly lazy: boolean;
  readonly publisher: PublisherLimits;
}

export interface PublisherLimits {
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly batchMessages: number;
  readonly batchBytes: number;
}

const MiB = 1_048_576;

/** Fills in the defaults; throws InvalidArgumentError, naming the option, for a value out of range. */
export function resolveOptions(
  options: ConnectOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedOptions {
  const { addresses, secure } = parseAddresses(options.url ?? env.WAYBILL_URL ?? env.MQ_HOST ?? 'localhost');
  const { token, tls = secure } = options;
  const tlsOptions = tls === true ? {} : tls === false ? undefined : tls;
  return {
    addresses,
    tls: tlsOptions,
    token: typeof token === 'function' ? token : () => token,
    name: (options.name ?? `${hostname()}:${process.pid}`).slice(0, 64),
    middleware: options.middleware ?? [],
    keepaliveTimeMs: milliseconds(options.keepalive?.time ?? 20_000, 'keepalive.time', 1_000, 86_400_000),
    keepaliveTimeoutMs: milliseconds(options.keepalive?.timeout ?? 10_000, 'keepalive.timeout', 100, 86_400_000),
    deadlineMs: milliseconds(options.deadline ?? 30_000, 'deadline', 1),
    lazy: options.lazy ?? false,
    publisher: {
      maxInFlight: count(options.maxInFlight ?? 10_000, 'maxInFlight', 1),
      maxInFlightBytes: count(options.maxInFlightBytes ?? 16 * MiB, 'maxInFlightBytes', 1),
      maxPending: count(options.maxPending ?? 100_000, 'maxPending', 1),
      maxPendingBytes: count(options.maxPendingBytes ?? 256 * MiB, 'maxPendingBytes', 1),
      batchMessages: count(options.batch?.messages ?? 1_000, 'batch.messages', 1, 1_000),
      batchBytes: count(options.batch?.bytes ?? MiB, 'batch.bytes', 1),
    },
  };
}

/** A whole number from `min` to `max`; throws InvalidArgumentError, naming `field`, for anything else. */
export function count(value: number, field: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const limit = `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`;
  throw invalidOption(field, value, limit);
}
