import type { Channel, ChannelId } from '../model/channel.js';
import type { BusError } from '../model/errors.js';
import type { Frame, Message } from '../model/message.js';
import type { TraceContext } from '../model/trace-context.js';
import type { Service } from './service.js';

/**
 * What the gateway tells of itself while it works: figures, traces, and lines of the log about single messages.
 *
 * Failure contract: nothing here ever throws or waits. What cannot be told is dropped.
 */
export interface Telemetry extends Service {
  readonly meters: Meters;
  readonly journal: Journal;
  /** Undefined: nobody follows single messages, and nothing is asked about them. */
  readonly watch: Watch | undefined;
}

/** How often values of which size were seen. */
export interface Meter {
  /** `count` times this value. */
  observe(value: number, count?: number): void;
}

/** In seconds, but for `commitEntries`. */
export interface Meters {
  /** From a publish call to its answer, each message of it. */
  readonly publish: Meter;
  /** From a frame to its confirm by the broker. */
  readonly confirm: Meter;
  /** From a message's acceptance to its hand-out to a consumer. */
  readonly wait: Meter;
  /** From a settle to the ledger's answer, each receipt of it. */
  readonly settle: Meter;
  /** One commit of the ledger. */
  readonly commit: Meter;
  /** The writes that it held. */
  readonly commitEntries: Meter;
  /** How late a scheduled message was when the broker had it. */
  readonly lateness: Meter;
}

/** What became of single messages that did not go the usual way. */
export interface Journal {
  dead(ended: Ended): void;
  expired(ended: Ended): void;
  parked(message: Message): void;
  refused(topic: string, id: string, error: BusError): void;
}

export interface Ended {
  /** 0: it waited for its topic itself. */
  readonly channel: ChannelId | 0;
  readonly topic: string;
  readonly id: string;
  readonly attempt: number;
  readonly consumer: string;
  readonly change: { readonly reason?: string; readonly wire?: Uint8Array };
}

/**
 * Follows messages on their way. It is asked once for each group of them, never for each message. What begins answers how it is
 * to be ended, or undefined where there is nothing to follow.
 */
export interface Watch {
  /** A unary call came with this in its metadata. */
  call(name: string, traceparent: string, tracestate: string): WatchedCall | undefined;
  /** The messages of one call are to be accepted. */
  accepting(messages: readonly (Message | undefined)[]): End<readonly Accepted[]> | undefined;
  /** A frame goes to the broker; ended with what went wrong, if anything did. */
  sending(frame: Frame): End<unknown> | undefined;
  /** Messages were handed out. */
  delivered(deliveries: readonly Delivered[]): void;
  /** Deliveries are to be settled; ended with the ledger's outcomes, or undefined when it gave none. */
  settling(
    kind: string,
    deliveries: readonly Pick<Delivered, 'nonce'>[],
  ): End<readonly string[] | undefined> | undefined;
}

export type End<T> = (result: T) => void;

export interface WatchedCall {
  /** What belongs to the call comes after this. */
  readonly context: TraceContext;
  end(error?: unknown): void;
}

export interface Accepted {
  readonly id: string;
  readonly outcome: string | undefined;
  readonly error: BusError | undefined;
}

export interface Delivered {
  readonly channel: Channel;
  readonly message: Message;
  readonly attempt: number;
  readonly nonce: number;
  readonly consumer: string;
}

const ignored: Meter = { observe() {} };

export const silentMeters: Meters = {
  publish: ignored,
  confirm: ignored,
  wait: ignored,
  settle: ignored,
  commit: ignored,
  commitEntries: ignored,
  lateness: ignored,
};

export const silentTelemetry: Telemetry = {
  meters: silentMeters,
  journal: { dead() {}, expired() {}, parked() {}, refused() {} },
  watch: undefined,
  async start() {},
  async stop() {},
};
