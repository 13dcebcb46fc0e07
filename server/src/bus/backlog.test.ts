import { expect, test } from 'vitest';
import { Backlog } from './backlog.js';
import { type Buffered, HeldFrame, Link } from './delivery.js';

function items(...sizes: number[]): Buffered[] {
  const messages = sizes.map((size, n) => {
    return { id: `${n}`, topic: 't', key: '', acceptedAt: 0, expiresAt: 0, wire: Buffer.alloc(size) };
  });
  const frame = new HeldFrame({ messages, verify: false, ack() {}, requeue() {} }, new Link(() => {}), 0);
  return messages.map((message) => ({ message, frame, arrivedAt: 0, verify: false }));
}

function backlogOf(...sizes: number[]): Backlog {
  const backlog = new Backlog();
  for (const item of items(...sizes)) backlog.add(item);
  return backlog;
}

const ids = (taken: readonly Buffered[]) => taken.map(({ message }) => message.id).join('');

test('gives in order, as many as are asked for', () => {
  const backlog = backlogOf(1, 1, 1, 1);
  expect(ids(backlog.take(3))).toBe('012');
  expect(backlog.size).toBe(1);
  expect(ids(backlog.take(3))).toBe('3');
  expect(ids(backlog.take(3))).toBe('');
});

test('gives about as many bytes as are asked for: the last message may go past', () => {
  const backlog = backlogOf(40, 40, 40, 40);
  expect(ids(backlog.take(9, 80))).toBe('01');
  expect(ids(backlog.take(9, 41))).toBe('23');
});

test('gives one message however large it is', () => {
  expect(ids(backlogOf(1_000, 1).take(9, 10))).toBe('0');
});

test('what is put back comes first', () => {
  const backlog = backlogOf(1, 1, 1);
  backlog.putBack(backlog.take(2));
  expect(ids(backlog.take(9))).toBe('012');
});
