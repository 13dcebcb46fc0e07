import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { failureOf } from './failure.js';

test('a gateway that cannot be reached is told apart from one that answers with an error', () => {
  const away = failureOf(
    new ConnectError('Failed to fetch', Code.Unknown, undefined, undefined, new TypeError('Failed to fetch')),
  );
  expect(away).toMatchObject({ title: 'The gateway does not answer', passing: true });
  const inside = failureOf(new ConnectError('fault 7f3a', Code.Internal));
  expect(inside).toMatchObject({ title: 'Something went wrong in the gateway', detail: 'fault 7f3a' });
});

test("a refusal keeps the gateway's own words, and asking again is left to the operator", () => {
  const refused = failureOf(new ConnectError('id: up to 128 characters', Code.InvalidArgument));
  expect(refused).toMatchObject({ detail: 'id: up to 128 characters', passing: false });
});

test('every status says what to do', () => {
  for (const code of Object.values(Code)) {
    if (typeof code !== 'number') continue;
    expect(failureOf(new ConnectError('x', code)).advice, Code[code]).not.toBe('');
  }
});
