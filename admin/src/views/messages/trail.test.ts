import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { AttemptOutcome, MessageState, TimelineSchema } from '@waybill/proto/waybill/v1/admin';
import { expect, test } from 'vitest';
import { eventsOf } from './trail.js';

const told = (init: MessageInitShape<typeof TimelineSchema>) =>
  eventsOf(create(TimelineSchema, init), 1_000n).map(({ title, facts, atMs, said }) =>
    [title, ...facts, `at ${atMs}`, ...(said === '' ? [] : [`said ${said}`])].join(', '),
  );

test('a message that failed, died, was redriven and acked tells all of it, in order', () => {
  const attempts = [
    {
      number: 1,
      outcome: AttemptOutcome.RETRY,
      consumer: 'mailer',
      node: 'node-1',
      deliverTimeMs: 2_000n,
      settleTimeMs: 2_150n,
      reason: 'busy',
    },
    { number: 2, outcome: AttemptOutcome.DEAD, deliverTimeMs: 3_000n, settleTimeMs: 3_001n, reason: 'no mailbox' },
    { outcome: AttemptOutcome.REDRIVEN, consumer: 'ops', settleTimeMs: 9_000n },
    { number: 1, outcome: AttemptOutcome.ACKED, deliverTimeMs: 9_500n, settleTimeMs: 9_600n },
  ];
  const record = { state: MessageState.ACKED, acceptTimeMs: 1_000n, settleTimeMs: 9_600n };
  expect(told({ record, attempts })).toEqual([
    'Accepted, at 1000',
    'Attempt 1, Failed, tried again, mailer, by node-1, took 150 ms, at 2000, said busy',
    'Attempt 2, Dead, took 1 ms, at 3000, said no mailbox',
    'Redriven, by ops, at 9000',
    'Attempt 1, Acked, took 100 ms, at 9500',
    'Acked, 8.6 s after it was accepted, at 9600',
  ]);
});

test('the reason of a death is told once', () => {
  const attempts = [
    { number: 1, outcome: AttemptOutcome.DEAD, deliverTimeMs: 2_000n, settleTimeMs: 2_100n, reason: 'no' },
  ];
  const record = { state: MessageState.DEAD, acceptTimeMs: 1_000n, settleTimeMs: 2_100n, reason: 'no' };
  expect(told({ record, attempts }).filter((line) => line.includes('said'))).toHaveLength(1);
});

test.each([
  [MessageState.DELAYED, 'Delayed, waits for its time, at 50000'],
  [MessageState.RETRY, 'Retry, is tried again, at 50000'],
  [MessageState.LEASED, 'Leased, the lease ends, at 50000'],
  [MessageState.PARKED, 'Parked, waits for the first channel of its topic, at 0'],
])('what waits says for what: %s', (state, line) => {
  expect(told({ record: { state, acceptTimeMs: 1_000n, dueTimeMs: 50_000n } })).toEqual(['Accepted, at 1000', line]);
});
