/**
 * A message inside the gateway: what the core decides on, and the encoded rest.
 *
 * `wire` is a `waybill.v1.Message` as it goes to the broker, the ledger and the consumer. It is encoded once, on publish,
 * and copied from there on: body and headers are never decoded on the way (decoding and encoding both cost about
 * 0.5 µs a message and hop).
 */
export interface Message {
  /** Unique on its topic. */
  readonly id: string;
  readonly topic: string;
  /** What the message is about; empty when it has none. */
  readonly key: string;
  /** Unix milliseconds. */
  readonly acceptedAt: number;
  /** Unix milliseconds; 0 means never. */
  readonly expiresAt: number;
  readonly wire: Uint8Array;
}

/**
 * What travels as one broker message: 1 to `FrameMaxMessages` messages of one topic.
 * `verify` says that one of them may have been delivered before, so that the ledger must be asked before any is handed out.
 */
export interface Frame {
  readonly topic: string;
  readonly messages: readonly Message[];
  readonly verify: boolean;
}

/** 10 years: the longest delay and time to live. */
export const MAX_DELAY_MS = 315_360_000_000;
export const MAX_ID_LENGTH = 128;
export const MAX_KEY_LENGTH = 128;
export const MAX_HEADERS = 64;
export const MAX_HEADER_NAME_LENGTH = 128;
export const MAX_HEADERS_BYTES = 16_384;
