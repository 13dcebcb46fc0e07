import { expect, it } from 'vitest';
import { engine, listenHost } from './engine.js';

const RABBIT = 'amqp://localhost';

it('is embedded without a broker URL, and a cluster with one', () => {
  expect(engine({ AmqpUrl: '' })).toBe('embedded');
  expect(engine({ AmqpUrl: RABBIT })).toBe('cluster');
});

it('listens on this machine alone when embedded, and on every address as a cluster, unless told otherwise', () => {
  expect(listenHost({ Host: '', AmqpUrl: '' })).toBe('127.0.0.1');
  expect(listenHost({ Host: '', AmqpUrl: RABBIT })).toBe('0.0.0.0');
  expect(listenHost({ Host: '10.1.2.3', AmqpUrl: RABBIT })).toBe('10.1.2.3');
});
