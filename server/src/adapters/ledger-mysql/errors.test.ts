import { expect, test } from 'vitest';
import { BusError } from '../../model/errors.js';
import { describe, faultOf, LostRace } from './errors.js';

const numbered = (errno: number) => Object.assign(new Error('said the server'), { errno, code: 'ER_SOMETHING' });
const coded = (code: string, more = {}) => Object.assign(new Error('lost'), { code, ...more });

test('a transaction that was rolled back for another is a conflict', () => {
  for (const errno of [1205, 1213]) expect(faultOf(numbered(errno))).toBe('conflict');
  expect(faultOf(new LostRace('somebody was first'))).toBe('conflict');
});

test('a server that is gone, going or read-only is away', () => {
  for (const errno of [1040, 1045, 1053, 1203, 1290, 1317, 1792, 1836, 1927, 2006]) {
    expect(faultOf(numbered(errno))).toBe('away');
  }
  for (const code of ['ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT']) {
    expect(faultOf(coded(code, { errno: -104 }))).toBe('away');
  }
  expect(faultOf(Object.assign(new Error('closed state'), { fatal: true }))).toBe('away');
  expect(faultOf(new Error('Pool is closed.'))).toBe('away');
});

test('what would fail again is final', () => {
  for (const errno of [1054, 1062, 1064, 1406]) expect(faultOf(numbered(errno))).toBe('final');
  expect(faultOf(new TypeError('a fault of ours'))).toBe('final');
  expect(faultOf(new BusError('ID_INVALID', 'no'))).toBe('final');
  expect(faultOf('text')).toBe('final');
});

test('the words for an operator name the user and the database, and a code where there are no words', () => {
  expect(describe(numbered(1045), 'bob', 'waybill')).toBe(
    'refuses the user "bob": the user name or the password is wrong',
  );
  expect(describe(numbered(1044), 'bob', 'waybill')).toContain('database "waybill"');
  expect(describe(Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'bob', 'waybill')).toBe(
    'cannot be used: ECONNREFUSED',
  );
});
