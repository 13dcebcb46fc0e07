import { expect, test } from 'vitest';
import { Nodes } from './nodes.js';

const URLS = ['amqp://u:p@a:1/v', 'amqp://u:p@b:2/v', 'amqps://u:p@c:3/v?heartbeat=7'];

function round(nodes: Nodes): string[] {
  const hosts = [];
  do hosts.push(nodes.next().host);
  while (!nodes.tried);
  return hosts;
}

test('every round tries each node once, and the order is not always the same', () => {
  const nodes = new Nodes(URLS, 15);
  const rounds = Array.from({ length: 100 }, () => round(nodes));
  for (const hosts of rounds) expect(hosts.toSorted()).toEqual(nodes.hosts);
  for (const host of nodes.hosts) expect(rounds.some(([first]) => first === host)).toBe(true);
});

test('a node whose connection was lost is tried after all others', () => {
  const nodes = new Nodes(URLS, 15);
  for (let time = 0; time < 20; time++) {
    const node = nodes.next();
    nodes.lost(node);
    expect(nodes.tried).toBe(false);
    expect(round(nodes).at(-1)).toBe(node.host);
  }
});

test('a single node is tried again and again', () => {
  const nodes = new Nodes(URLS.slice(0, 1), 15);
  const node = nodes.next();
  expect(nodes.tried).toBe(true);
  nodes.lost(node);
  expect(nodes.next()).toBe(node);
});

test('a URL may say its own heartbeat, and gets the default otherwise', () => {
  const nodes = new Nodes(URLS, 15);
  const heartbeats = [nodes.next(), nodes.next(), nodes.next()].map(({ host, searchParams }) => [
    host,
    searchParams.get('heartbeat'),
  ]);
  expect(Object.fromEntries(heartbeats)).toEqual({ 'a:1': '15', 'b:2': '15', 'c:3': '7' });
});

test('what is no AMQP URL is refused, without its secret', () => {
  expect(() => new Nodes(['u:hunter2@h'], 15)).toThrow(/^(?!.*hunter2).*amqp:/);
  expect(() => new Nodes(['http://u:hunter2@h'], 15)).toThrow(/^(?!.*hunter2).*"http:"/);
});
