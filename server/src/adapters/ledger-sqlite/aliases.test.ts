import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { allShards } from '../../fixture/shards.js';
import type { Channel } from '../../model/channel.js';
import type { Change } from '../../ports/ledger.js';
import { Fixture, message } from '../sqlite/fixture.js';
import { SqliteLedger } from './ledger.js';
import { SqliteSchedule } from './schedule.js';

const DEADLINE = 5_000;
const FIRST = 'a'.repeat(20);
const SECOND = 'b'.repeat(20);

describe('an alias in the SQLite ledger', () => {
  let fixture: Fixture;
  let ledger: SqliteLedger;
  let schedule: SqliteSchedule;
  let channel: Channel;

  beforeEach(async () => {
    fixture = new Fixture();
    onTestFinished(() => fixture.remove());
    const store = fixture.open();
    ledger = new SqliteLedger(store);
    schedule = new SqliteSchedule(store);
    channel = await ledger.channel('orders', 'default');
    expect(await write(1, 7, leased(FIRST))).toEqual(['ok']);
  });

  const write = (attempt: number, nonce: number, change: Change, at = 30, settling = change.state !== 'leased') =>
    ledger.write([
      {
        channel: channel.id,
        topic: 'orders',
        id: 'm',
        nonce,
        consumer: '',
        acceptedAt: settling ? 0 : 10,
        deliveredAt: 20,
        attempt,
        change,
        recorded: settling,
        at,
      },
    ]);
  const leased = (alias: string): Change => ({
    state: 'leased',
    deadline: DEADLINE,
    expiresAt: 0,
    wire: message('orders', 'm').wire,
    alias,
  });
  const found = { topic: 'orders', id: 'm', attempt: 1, nonce: 7, ref: '', state: 'leased' };

  test('names the delivery that it was leased for, and tells what became of it', async () => {
    expect(await ledger.find(FIRST)).toEqual({ channel: channel.id, ...found });
    expect(await write(1, 7, { state: 'acked' })).toEqual(['ok']);
    expect(await ledger.find(FIRST)).toMatchObject({ state: 'acked' });
  });

  test('is not known when nobody leased under it', async () => {
    expect(await ledger.find(SECOND)).toBeUndefined();
  });

  test('is superseded by the next delivery, whose own alias refers to it', async () => {
    expect(await write(1, 7, { state: 'retry', reason: '', dueAt: 40, expiresAt: 0 })).toEqual(['ok']);
    expect(await ledger.find(FIRST)).toMatchObject({ state: 'retry' });
    expect(await write(2, 8, leased(SECOND), 50)).toEqual(['ok']);
    expect(await ledger.find(FIRST)).toMatchObject({ state: 'superseded', ref: '' });
    expect(await ledger.find(SECOND)).toMatchObject({ state: 'leased', attempt: 2, nonce: 8, ref: FIRST });
  });

  test('stays one when its commit is repeated', async () => {
    expect(await write(1, 7, leased(FIRST))).toEqual(['ok']);
    expect(await ledger.find(FIRST)).toMatchObject(found);
  });

  test('is told of when its lease runs out', async () => {
    expect(await schedule.expiredLeases(DEADLINE, 10, allShards(1))).toMatchObject([{ id: 'm', aliased: true }]);
  });

  test('goes with the record of its message', async () => {
    await schedule.prune(1_000_000, 10);
    expect(await ledger.find(FIRST)).toBeDefined();
    await write(1, 7, { state: 'acked' });
    await schedule.prune(1_000_000, 10);
    expect(await ledger.find(FIRST)).toBeUndefined();
  });
});
