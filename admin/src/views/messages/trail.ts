import { AttemptOutcome, MessageState, type Timeline } from '@waybill/proto/waybill/v1/admin';
import { duration } from '../../text/time.js';
import { OUTCOMES, STATES, type Tone } from '../../ui/badge.js';

/** One thing that happened to a message. */
export interface Event {
  readonly key: string;
  readonly tone: Tone;
  readonly title: string;
  /** Who, where, how long: what belongs beside the title. */
  readonly facts: readonly string[];
  /** Unix milliseconds; 0 when it is not known. */
  readonly atMs: bigint;
  /** It has not happened yet. */
  readonly coming: boolean;
  /** What was said about it. */
  readonly said: string;
}

/** The story of a message on one channel, from its acceptance to where it is now. */
export function eventsOf({ record, attempts }: Timeline, acceptTimeMs: bigint): readonly Event[] {
  const accepted: Event = {
    key: 'accepted',
    tone: 'plain',
    title: 'Accepted',
    facts: [],
    atMs: acceptTimeMs,
    coming: false,
    said: '',
  };
  const tried = attempts.map((attempt, at): Event => {
    const { text, tone } = OUTCOMES[attempt.outcome];
    const key = `${at}`;
    if (attempt.outcome === AttemptOutcome.REDRIVEN) {
      const by = attempt.consumer === '' ? [] : [`by ${attempt.consumer}`];
      return {
        key,
        tone,
        title: 'Redriven',
        facts: by,
        atMs: attempt.settleTimeMs || attempt.deliverTimeMs,
        coming: false,
        said: attempt.reason,
      };
    }
    const { deliverTimeMs, settleTimeMs } = attempt;
    const took =
      deliverTimeMs > 0n && settleTimeMs > 0n ? [`took ${duration(Number(settleTimeMs - deliverTimeMs))}`] : [];
    const facts = [
      text,
      ...(attempt.consumer === '' ? [] : [attempt.consumer]),
      ...(attempt.node === '' ? [] : [`by ${attempt.node}`]),
      ...took,
    ];
    const title = attempt.number === 0 ? text : `Attempt ${attempt.number}`;
    return {
      key,
      tone,
      title,
      facts: attempt.number === 0 ? facts.slice(1) : facts,
      atMs: deliverTimeMs || settleTimeMs,
      coming: false,
      said: attempt.reason,
    };
  });
  return [accepted, ...tried, ...stateNow(record, attempts.at(-1)?.reason ?? '')];
}

/** Where it is now. A reason that the last attempt gave already is not repeated. */
function stateNow(record: Timeline['record'], told: string): readonly Event[] {
  if (record === undefined) return [];
  const { state, acceptTimeMs, settleTimeMs, dueTimeMs, reason } = record;
  const { text, tone } = STATES[state];
  const event = { key: 'now', tone, title: text, facts: [], atMs: 0n, coming: false, said: '' };
  switch (state) {
    case MessageState.DELAYED:
      return [{ ...event, facts: ['waits for its time'], atMs: dueTimeMs, coming: true }];
    case MessageState.RETRY:
      return [{ ...event, facts: ['is tried again'], atMs: dueTimeMs, coming: true }];
    case MessageState.LEASED:
      return [{ ...event, facts: ['the lease ends'], atMs: dueTimeMs, coming: true }];
    case MessageState.PARKED:
      return [{ ...event, facts: ['waits for the first channel of its topic'] }];
    case MessageState.RETURNED:
      return [{ ...event, facts: ['waits in the queue again'] }];
    case MessageState.ACKED:
    case MessageState.DEAD:
    case MessageState.EXPIRED:
    case MessageState.CANCELLED:
    case MessageState.PURGED: {
      const took =
        settleTimeMs > acceptTimeMs ? [`${duration(Number(settleTimeMs - acceptTimeMs))} after it was accepted`] : [];
      return [{ ...event, facts: took, atMs: settleTimeMs, said: reason === told ? '' : reason }];
    }
    case MessageState.DELIVERED:
    case MessageState.UNSPECIFIED:
      return [];
  }
}
