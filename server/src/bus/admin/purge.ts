import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '../../model/channel.js';
import type { Message } from '../../model/message.js';
import type { TermsOf } from '../../model/search-term.js';
import type { Broker, FrameDelivery, FrameSink } from '../../ports/broker.js';
import type { Clock } from '../../ports/clock.js';
import type { Entry, Ledger } from '../../ports/ledger.js';
import type { Queues } from '../../ports/queues.js';
import type { NonceSource } from '../ids.js';

export interface PurgeParts {
  readonly broker: Pick<Broker, 'consume' | 'publish'>;
  readonly queues: Queues;
  readonly ledger: Ledger;
  readonly nonces: NonceSource;
  readonly clock: Clock;
  readonly termsOf: TermsOf;
}

export interface PurgeTerms {
  /** What was accepted before this time, Unix milliseconds. */
  readonly before: number;
  /** Unix milliseconds: when to give up. */
  readonly until: number;
}

export interface Purged {
  readonly count: number;
  /** False: time was up. */
  readonly complete: boolean;
}

/** Frames at a time. */
const PREFETCH = 64;
/** So many frames of newer messages say that what came before is through. */
const NEWER_FRAMES = PREFETCH / 2;
/** After so long without a frame, what is left is with somebody else. */
const GIVE_UP_MS = 5_000;
const TICK_MS = 20;
/**
 * Looks, a tick apart, that find the queue empty and bring no frame: then it is empty. A frame that is on its way is in no queue's count,
 * and looks are counted, not time, as a process that stands still for a while reads nothing meanwhile.
 */
const EMPTY_LOOKS = 10;

/** Keeps the frames that come until somebody takes them. */
class Inbox implements FrameSink {
  #frames: FrameDelivery[] = [];

  frame(delivery: FrameDelivery): void {
    this.#frames.push(delivery);
  }

  lost(): void {
    this.#frames = [];
  }

  take(): FrameDelivery[] {
    return this.#frames.splice(0);
  }
}

/**
 * Empties a channel's queue of what was accepted before `before`: a consumer like any other, that settles each message in the
 * ledger as purged. So nothing leaves without a record, and what somebody acked meanwhile stays acked.
 */
export async function purgeQueue(parts: PurgeParts, channel: Channel, { before, until }: PurgeTerms): Promise<Purged> {
  const inbox = new Inbox();
  const newer: FrameDelivery[] = [];
  const consumer = parts.broker.consume(channel, inbox);
  consumer.prefetch(PREFETCH);
  let count = 0;
  let emptyLooks = 0;
  let movedAt = parts.clock.now();
  try {
    for (;;) {
      const frames = inbox.take();
      if (frames.length > 0) {
        count += await purgeFrames(parts, channel, frames, { before, until }, newer);
        movedAt = parts.clock.now();
        emptyLooks = 0;
      }
      if (newer.length >= NEWER_FRAMES) return { count, complete: true };
      const now = parts.clock.now();
      if (now >= until) return { count, complete: false };
      if (frames.length > 0) continue;
      emptyLooks = (await isEmpty(parts, channel)) ? emptyLooks + 1 : 0;
      if (emptyLooks > EMPTY_LOOKS) return { count, complete: true };
      if (now - movedAt > GIVE_UP_MS) return { count, complete: false };
      await delay(TICK_MS);
    }
  } finally {
    await consumer.stop();
    for (const frame of [...newer, ...inbox.take()]) frame.requeue();
  }
}

async function isEmpty({ queues }: PurgeParts, channel: Channel): Promise<boolean> {
  return (await queues.depth(channel)).frames === 0;
}

/** Answers how many messages were purged. Frames of newer messages are put aside. */
async function purgeFrames(
  parts: PurgeParts,
  channel: Channel,
  frames: readonly FrameDelivery[],
  { before, until }: PurgeTerms,
  newer: FrameDelivery[],
): Promise<number> {
  const signal = AbortSignal.timeout(Math.max(0, until - parts.clock.now()));
  const purged: FrameDelivery[] = [];
  const open = new Set(frames);
  try {
    for (const frame of frames) {
      const rest = frame.messages.filter(({ acceptedAt }) => acceptedAt >= before);
      if (rest.length === frame.messages.length) {
        open.delete(frame);
        newer.push(frame);
        continue;
      }
      // The rest goes anew before the frame may be forgotten. Should it not be, two copies are there: so it is to be verified.
      const topic = frame.messages[0]?.topic ?? channel.topic;
      const anew = { topic, messages: rest, verify: true };
      if (rest.length > 0 && (await parts.broker.publish(anew, { channel }, signal)) !== 'routed') continue;
      purged.push(frame);
    }
    const count = await settle(parts, channel, purged, before);
    for (const frame of purged) {
      open.delete(frame);
      frame.ack();
    }
    return count;
  } finally {
    for (const frame of open) frame.requeue();
  }
}

async function settle(
  { ledger, nonces, clock, termsOf }: PurgeParts,
  channel: Channel,
  frames: readonly FrameDelivery[],
  before: number,
): Promise<number> {
  const at = clock.now();
  const out = (message: Message) => ({
    channel: channel.id,
    topic: message.topic,
    id: message.id,
    nonce: nonces.next(),
    consumer: '',
    acceptedAt: message.acceptedAt,
    deliveredAt: 0,
    terms: termsOf(message),
  });
  const old = (verify: boolean) =>
    frames
      .filter((frame) => frame.verify === verify)
      .flatMap(({ messages }) => messages.filter(({ acceptedAt }) => acceptedAt < before))
      .map(out);
  const fresh = old(false);
  // Of what may have been delivered before, the ledger says what is still to be had.
  const doubtful = old(true);
  const attempts = doubtful.length === 0 ? [] : await ledger.take(doubtful);
  const entries = [
    ...fresh.map((handOut) => entryOf(handOut, 0, at)),
    // Nobody had it this time: the attempt is not counted.
    ...doubtful.flatMap((handOut, i) => {
      const attempt = attempts[i] ?? 0;
      return attempt === 0 ? [] : [entryOf(handOut, attempt - 1, at)];
    }),
  ];
  if (entries.length === 0) return 0;
  return (await ledger.write(entries)).filter((outcome) => outcome === 'ok').length;
}

function entryOf(handOut: Omit<Entry, 'attempt' | 'change' | 'recorded' | 'at'>, attempt: number, at: number): Entry {
  return { ...handOut, attempt, change: { state: 'purged' }, recorded: false, at };
}
