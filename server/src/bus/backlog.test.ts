import { expect, test } from 'vitest';
import { Backlog } from './backlog.js';
import { type Buffered, HeldFrame, Link } from './delivery.js';

function items(sizes: readonly number[], cameAt = 0): Buffered[] {
  const messages = sizes.map((size, n) => {
    return { id: `${n}`, topic: 't', key: '', acceptedAt: 0, expiresAt: 0, wire: Buffer.alloc(size) };
  });
  const frame = new HeldFrame({ messages, verify: false, ack() {}, requeue() {} }, new Link(() => {}), 0, cameAt);
  return messages.map((message) => ({ message, frame, arrivedAt: 0, verify: false }));
}

function backlogOf(...sizes: number[]): Backlog {
  const backlog = new Backlog();
  for (const item of items(sizes)) backlog.add(item);
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

test('gives up what is of frames that came before a time, and keeps the others in order', () => {
  const backlog = backlogOf(1, 1);
  for (const item of items([1, 1, 1], 100)) backlog.add(item);
  backlog.putBack(items([1], 50));
  expect(backlog.holdsOlder(0)).toBe(false);
  expect(backlog.drain(0)).toEqual([]);
  expect(backlog.holdsOlder(100)).toBe(true);
  expect(backlog.drain(100).map((part) => part.items.length)).toEqual([1, 2]);
  expect(backlog.holdsOlder(100)).toBe(false);
  expect(ids(backlog.take(9))).toBe('012');
});
