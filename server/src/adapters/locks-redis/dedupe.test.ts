import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from './connection.js';
import { RedisDedupe } from './dedupe.js';

const REFUSAL = "-CROSSSLOT Keys in request don't hash to the same slot\r\n";
const EMPTY = '$0\r\n\r\n';

/** Answers as a Redis that is a cluster of one node: one key a script, whatever its slot. No server of the tests is one. */
async function clusterOfOne(): Promise<{ readonly port: number; readonly keys: string[] }> {
  const keys: string[] = [];
  const answer = ([name = '', _sha, count, key = '']: string[]): string => {
    if (name.toLowerCase() !== 'evalsha') return EMPTY;
    if (count !== '1') return REFUSAL;
    keys.push(key);
    return EMPTY;
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let call = nextCall(text); call !== undefined; call = nextCall(text)) {
        text = text.slice(call.length);
        socket.write(answer(call.words));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return { port: address.port, keys };
}

/** The first command in the text, once it is there as a whole. */
function nextCall(text: string): { readonly words: string[]; readonly length: number } | undefined {
  const [head = ''] = text.split('\r\n', 1);
  const words: string[] = [];
  let at = head.length + 2;
  for (let left = Number(head.slice(1)); left > 0; left--) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const length = Number(text.slice(at + 1, end));
    at = end + 2 + length + 2;
    if (at > text.length) return undefined;
    words.push(text.slice(end + 2, end + 2 + length));
  }
  return words.length === 0 ? undefined : { words, length: at };
}

test('a Redis that takes no keys of several slots together makes ids unsure once, and then gets them one by one', async () => {
  const redis = await clusterOfOne();
  const connection = new RedisConnection({ host: '127.0.0.1', port: redis.port, prefix: 'p' });
  onTestFinished(() => connection.stop());
  await connection.start();
  const dedupe = new RedisDedupe(connection, { windowSeconds: 60 });
  expect(await dedupe.begin('orders', ['a', 'b', 'c'])).toEqual(['unsure', 'unsure', 'unsure']);
  expect(redis.keys).toEqual([]);
  expect(await dedupe.begin('orders', ['a', 'b', 'c'])).toEqual(['new', 'new', 'new']);
  expect(redis.keys).toEqual(['p:d:orders=a', 'p:d:orders=b', 'p:d:orders=c']);
});
