import { expect, test } from 'vitest';
import { systemClock } from '../ports/clock.js';
import { LedgerCalls } from './ledger-calls.js';

/** An answer that the test gives. */
function question() {
  let answer: (text: string) => void = () => {};
  const asked = new Promise<string>((resolve) => {
    answer = resolve;
  });
  return { ask: () => asked, answer: (text: string) => answer(text) };
}

const soon = () => Date.now() + 20;
const never = Number.POSITIVE_INFINITY;

test('a call is answered by the ledger, or at its deadline', async () => {
  const calls = new LedgerCalls(systemClock, 10);
  const [first, second] = [question(), question()];
  const [late, inTime] = [calls.answer(1, soon(), first.ask), calls.answer(1, Date.now() + 5_000, second.ask)];
  await expect(late).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE', retryable: true });
  second.answer('ok');
  expect(await inTime).toBe('ok');
});

test('what the ledger refuses reaches the call', async () => {
  const calls = new LedgerCalls(systemClock, 10);
  const refused = () => Promise.reject(new Error('no'));
  await expect(calls.answer(1, Date.now() + 5_000, refused)).rejects.toThrow('no');
  await expect(calls.answer(1, never, refused)).rejects.toThrow('no');
});

test('past the limit a call is refused until the ledger has answered others, and not when they only gave up', async () => {
  const calls = new LedgerCalls(systemClock, 10);
  const first = question();
  const waiting = calls.answer(8, soon(), first.ask);
  await expect(calls.answer(3, never, question().ask)).rejects.toMatchObject({
    reason: 'OVERLOADED',
    message: expect.stringContaining('MaxPendingSettles'),
  });
  await expect(waiting).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  await expect(calls.answer(3, never, question().ask)).rejects.toMatchObject({ reason: 'OVERLOADED' });
  first.answer('ok');
  await first.ask();
  const next = question();
  const last = calls.answer(3, never, next.ask);
  next.answer('now');
  expect(await last).toBe('now');
});

test('a call that is larger than the limit goes alone', async () => {
  const calls = new LedgerCalls(systemClock, 10);
  expect(await calls.answer(11, never, async () => 'ok')).toBe('ok');
});
