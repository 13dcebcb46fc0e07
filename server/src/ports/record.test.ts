import { describe, expect, test } from 'vitest';
import type { ChannelId } from '../model/channel.js';
import type { Change, Entry, RecordState } from './ledger.js';
import { type DeliveryRecord, inTime, judge, type Verdict } from './record.js';

const CHANGES: Record<Change['state'], Change> = {
  delivered: { state: 'delivered' },
  acked: { state: 'acked' },
  expired: { state: 'expired' },
  purged: { state: 'purged' },
  returned: { state: 'returned', reason: '' },
  retry: { state: 'retry', reason: '', dueAt: 0, expiresAt: 0 },
  dead: { state: 'dead', reason: '' },
  leased: { state: 'leased', deadline: 0, expiresAt: 0 },
};

function entry(state: Change['state'], attempt: number, nonce: number, recorded = false): Entry {
  const out = { channel: 1 as ChannelId, topic: 't', id: 'i', nonce, consumer: '', acceptedAt: 0, deliveredAt: 0 };
  return { ...out, attempt, change: CHANGES[state], recorded, at: 0 };
}

function record(state: RecordState): DeliveryRecord {
  return { state, attempt: 2, nonce: 7 };
}

describe('an entry of the hand-out that the record knows', () => {
  test.each<[RecordState, Change['state'], Verdict]>([
    ['delivered', 'acked', 'apply'],
    ['delivered', 'retry', 'apply'],
    ['delivered', 'dead', 'apply'],
    ['delivered', 'expired', 'apply'],
    ['delivered', 'purged', 'apply'],
    ['purged', 'purged', 'repeat'],
    ['purged', 'acked', 'stale'],
    ['delivered', 'returned', 'apply'],
    ['delivered', 'leased', 'apply'],
    ['leased', 'acked', 'apply'],
    ['leased', 'retry', 'apply'],
    ['leased', 'dead', 'apply'],
    ['leased', 'leased', 'apply'],
    ['leased', 'returned', 'stale'],
    ['delivered', 'delivered', 'repeat'],
    ['acked', 'delivered', 'stale'],
    ['acked', 'acked', 'repeat'],
    ['retry', 'retry', 'repeat'],
    ['dead', 'dead', 'repeat'],
    ['returned', 'returned', 'repeat'],
    ['acked', 'retry', 'stale'],
    ['retry', 'acked', 'stale'],
    ['returned', 'acked', 'stale'],
    ['dead', 'acked', 'stale'],
    ['expired', 'acked', 'stale'],
    ['acked', 'leased', 'stale'],
  ])('%s, then %s: %s', (known, state, verdict) => {
    expect(judge(record(known), entry(state, 2, 7))).toBe(verdict);
  });
});

describe('an entry of another hand-out', () => {
  test.each<[RecordState, number, Verdict]>([
    ['delivered', 3, 'apply'],
    ['retry', 3, 'apply'],
    ['returned', 3, 'apply'],
    ['leased', 3, 'apply'],
    ['acked', 3, 'stale'],
    ['dead', 3, 'stale'],
    ['expired', 3, 'stale'],
    ['delivered', 2, 'stale'],
    ['returned', 1, 'stale'],
  ])('%s of attempt 2, then an ack of attempt %i: %s', (known, attempt, verdict) => {
    expect(judge(record(known), entry('acked', attempt, 8))).toBe(verdict);
  });
});

test('without a record an entry applies, unless it says that there was one', () => {
  expect(judge(undefined, entry('acked', 1, 1))).toBe('apply');
  expect(judge(undefined, entry('acked', 1, 1, true))).toBe('stale');
});

describe('an entry on a leased record', () => {
  const DEADLINE = 1_000;

  test('is in time until the lease ends', () => {
    expect(inTime({ ...entry('acked', 2, 7), at: DEADLINE }, DEADLINE)).toBe(true);
    expect(inTime({ ...entry('acked', 2, 7), at: DEADLINE + 1 }, DEADLINE)).toBe(false);
  });

  test('that ends the lease is in time unless the lease was extended', () => {
    const end = { ...entry('retry', 2, 7), at: DEADLINE + 50, leaseEnd: DEADLINE };
    expect(inTime(end, DEADLINE)).toBe(true);
    expect(inTime(end, DEADLINE + 5_000)).toBe(false);
  });
});
