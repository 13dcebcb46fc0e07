import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { TcpProxy } from './tcp-proxy.js';

/** Echoes, and says when a connection of its own ended and how. */
const server = createServer((socket) => {
  socket.on('error', (error) => endings.push(error.message));
  socket.on('end', () => endings.push('end'));
  socket.pipe(socket);
});
const endings: string[] = [];
let proxy: TcpProxy;

beforeEach(async () => {
  endings.length = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  proxy = await TcpProxy.start(`127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
});

afterEach(async () => {
  await proxy.close();
  await once(server.close(), 'close');
});

test('it carries bytes both ways, and ends, and counts', async () => {
  const socket = await dial();
  expect(await echo(socket, 'hello')).toBe('hello');
  expect(proxy.counts).toEqual({ accepted: 1, resets: 0, bytes: 10 });
  socket.end();
  await expect.poll(() => endings).toEqual(['end']);
  await expect.poll(() => proxy.open).toBe(0);
});

test('stalled, it takes connections and carries nothing until it passes again', async () => {
  const before = await dial();
  await echo(before, 'one');
  proxy.stall();
  const during = await dial();
  const answers = Promise.all([echo(before, 'two'), echo(during, 'three')]);
  const { bytes } = proxy.counts;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(proxy.counts.bytes).toBe(bytes);
  expect(before.destroyed || during.destroyed).toBe(false);
  proxy.pass();
  expect(await answers).toEqual(['two', 'three']);
});

test('a reset reaches both sides as one', async () => {
  const socket = await dial();
  await echo(socket, 'one');
  const error = once(socket, 'error');
  proxy.reset();
  expect(String(await error)).toContain('ECONNRESET');
  await expect.poll(() => endings).toEqual(['read ECONNRESET']);
  expect(proxy.counts.resets).toBe(1);
});

test('cut, it refuses connections until it is mended', async () => {
  const socket = await dial();
  const error = once(socket, 'error');
  await proxy.cut();
  await error;
  await expect(dial()).rejects.toThrow('ECONNREFUSED');
  await proxy.mend();
  expect(await echo(await dial(), 'one')).toBe('one');
});

test('a delay holds every piece, and keeps the order', async () => {
  const socket = await dial();
  proxy.delay(50, 30);
  const at = performance.now();
  const text = 'x'.repeat(200_000);
  expect(await echo(socket, `${text}y`)).toBe(`${text}y`);
  expect(performance.now() - at).toBeGreaterThan(99);
});

async function dial(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  let answer = '';
  while (answer.length < text.length) {
    const [data]: unknown[] = await once(socket, 'data');
    answer += String(data);
  }
  return answer;
}
