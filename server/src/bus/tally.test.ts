import { describe, expect, it } from 'vitest';
import type { ChannelId } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import type { Change, Entry } from '../ports/ledger.js';
import type { Ended, Journal } from '../ports/telemetry.js';
import { Tally } from './tally.js';

const channel = (id: number) => id as ChannelId;

function entry(id: number, change: Change): Entry {
  const handOut = {
    channel: channel(id),
    topic: 'orders',
    id: 'm',
    nonce: 1,
    consumer: 'c',
    acceptedAt: 1,
    deliveredAt: 1,
  };
  return { ...handOut, attempt: 1, change, recorded: false, at: 1 };
}

describe('the tally', () => {
  it('counts what the ledger took, and nothing that was stale', () => {
    const tally = new Tally(10);
    const entries = [
      entry(1, { state: 'acked' }),
      entry(1, { state: 'acked' }),
      entry(2, { state: 'dead', reason: '' }),
      entry(1, { state: 'returned', reason: '' }),
      entry(2, { state: 'expired' }),
      entry(1, { state: 'delivered' }),
    ];
    tally.settled(entries, ['ok', 'stale', 'ok', 'ok', 'ok', 'ok']);
    expect(tally.totals).toMatchObject({ acked: 1, dead: 1, retried: 1, expired: 1 });
    expect(tally.channels.get(channel(1))).toMatchObject({ acked: 1, retried: 1, dead: 0 });
    expect(tally.channels.get(channel(2))).toMatchObject({ dead: 1, expired: 1, acked: 0 });
  });

  it('of more topics and channels than it may tell apart is a sum', () => {
    const tally = new Tally(2);
    for (let i = 0; i < 5; i++) {
      tally.accepted(`t${i}`, 10);
      tally.handedOut(channel(i), 3);
      tally.redelivered(channel(i), 1);
    }
    expect([...tally.topics]).toEqual([
      ['t0', 10],
      ['t1', 10],
    ]);
    expect(tally.otherTopics).toBe(30);
    expect([...tally.channels.keys()]).toEqual([0, 1]);
    expect(tally.otherChannels).toMatchObject({ delivered: 9, redelivered: 3 });
    expect(tally.totals).toMatchObject({ published: 50, delivered: 15 });
  });

  it('tells the journal of every message that ended in another way than by an ack', () => {
    const told: [string, Ended][] = [];
    const journal: Journal = {
      dead: (ended) => told.push(['dead', ended]),
      expired: (ended) => told.push(['expired', ended]),
      parked() {},
      refused() {},
    };
    const tally = new Tally(10, journal);
    const entries = [
      entry(1, { state: 'acked' }),
      entry(1, { state: 'dead', reason: 'why' }),
      entry(1, { state: 'expired' }),
    ];
    tally.settled(entries, ['ok', 'ok', 'ok']);
    const message = { id: 'waits', topic: 'later', key: '', acceptedAt: 1, expiresAt: 2, wire: new Uint8Array() };
    tally.expiredWaiting(undefined, message);
    expect(told.map(([how, { id, change }]) => [how, id, change.reason])).toEqual([
      ['dead', 'm', 'why'],
      ['expired', 'm', undefined],
      ['expired', 'waits', undefined],
    ]);
    expect(tally.expired).toBe(2);
  });

  it('counts refusals by reason, and those of a limit by its key', () => {
    const tally = new Tally();
    tally.refuse(new BusError('OVERLOADED', 'full', { key: 'MaxTopics' }));
    tally.refuse(new BusError('OVERLOADED', 'full'));
    tally.refuse(new BusError('TOPIC_INVALID', 'no'));
    expect(Object.fromEntries(tally.refused)).toEqual({ OVERLOADED: 2, TOPIC_INVALID: 1 });
    expect(Object.fromEntries(tally.limits)).toEqual({ MaxTopics: 1 });
  });
});
