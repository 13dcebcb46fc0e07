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
      said: attempt.reason,
    };
  });
  return [accepted, ...tried, ...stateNow(record)];
}

/** Where it is now, when the last attempt does not say that already. */
function stateNow(record: Timeline['record']): readonly Event[] {
  if (record === undefined) return [];
  const { state, settleTimeMs, reason } = record;
  const { text, tone } = STATES[state];
  const event = (facts: readonly string[], atMs: bigint): Event => ({
    key: 'now',
    tone,
    title: text,
    facts,
    atMs,
    said: '',
  });
  switch (state) {
    case MessageState.DELAYED:
      return [event(['waits until'], record.dueTimeMs)];
    case MessageState.RETRY:
      return [event(['tried again'], record.dueTimeMs)];
    case MessageState.PARKED:
      return [event(['waits for the first channel of its topic'], 0n)];
    case MessageState.RETURNED:
      return [event(['waits in the queue again'], 0n)];
    case MessageState.LEASED:
      return [event(['the lease ends'], record.dueTimeMs)];
    case MessageState.EXPIRED:
    case MessageState.CANCELLED:
    case MessageState.PURGED:
    case MessageState.ACKED:
    case MessageState.DEAD:
      return [{ ...event([], settleTimeMs), said: state === MessageState.DEAD ? reason : '' }];
    case MessageState.DELIVERED:
    case MessageState.UNSPECIFIED:
      return [];
  }
}
