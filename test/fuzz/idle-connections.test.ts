import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { memoryOf } from './memory.js';

const IDLE = 10_000;
const AT_A_TIME = 250;
/** With opening and closing them a test took 12 to 31 s on a busy machine. */
const LONG = { timeout: 240_000 };
/** Besides those: what the test, its services and the runner hold. */
const SPARE_FILES = 1_000;
/** Measured: 10,000 silent connections to the gRPC port take 188 MB, and as many to the HTTP port, afterwards, 56 MB more. */
const MAX_GROWTH_MB = 500;

/** What a client says that goes no further. */
const SILENCES: readonly (readonly [string, Buffer])[] = [
  ['say nothing', Buffer.alloc(0)],
  ['begin and say no more', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')],
];

describe('a gateway', () => {
  let group: GatewayGroup;
  let gateway: Gateway;
  let client: BusClient;

  beforeAll(async () => {
    requireFiles();
    group = await gatewayGroup('embedded');
    // A silent connection is given up after two of these.
    gateway = await group.start({ KeepaliveSeconds: 300 });
    client = new BusClient(gateway.rpcUrl);
  });

  beforeEach(() => onTestFailed(() => group.printLogs()));

  afterAll(async () => {
    client?.close();
    await group?.remove();
  });

  test.each(SILENCES)(`serves on while ${IDLE} connections to the gRPC port %s`, LONG, async (_, start) => {
    const before = await memoryOf(gateway);
    const sockets = await openAll(gateway.rpcUrl, start);
    try {
      expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(IDLE);
      await expectToServe();
      expect((await memoryOf(gateway)) - before).toBeLessThan(MAX_GROWTH_MB);
    } finally {
      await closeAll(sockets);
    }
    await expectToServe();
  });

  test(`serves on while ${IDLE} connections to the HTTP port say nothing, and closes them`, LONG, async () => {
    const before = await memoryOf(gateway);
    const sockets = await openAll(new URL(gateway.httpUrl).host, Buffer.alloc(0));
    try {
      await expectToServe();
      expect((await memoryOf(gateway)) - before).toBeLessThan(MAX_GROWTH_MB);
      await Promise.all(
        sockets.map((socket) => socket.destroyed || new Promise((resolve) => socket.once('close', resolve))),
      );
    } finally {
      await closeAll(sockets);
    }
    await expectToServe();
  });

  async function expectToServe(): Promise<void> {
    const fresh = new BusClient(gateway.rpcUrl);
    try {
      const { id } = await fresh.publishOne({ topic: 'orders' });
      const [received] = await fresh.pull('orders', 'billing');
      expect(received?.id).toBe(id);
      expect(await fresh.ack([received?.receipt ?? ''])).toEqual(['ok']);
    } finally {
      fresh.close();
    }
    expect((await fetch(`${gateway.httpUrl}/readyz`, { headers: { connection: 'close' } })).status).toBe(200);
  }
});

async function openAll(address: string, start: Buffer): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < IDLE)
    sockets.push(...(await Promise.all(Array.from({ length: AT_A_TIME }, () => open(address, start)))));
  return sockets;
}

async function open(address: string, start: Buffer): Promise<Socket> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {}); // The gateway may close it as it likes.
  socket.resume();
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
  if (start.length > 0) socket.write(start);
  return socket;
}

async function closeAll(sockets: readonly Socket[]): Promise<void> {
  const closed = sockets.map((socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
}

/** The test holds one end of every connection, and the gateway, which has the same limit, the other. */
function requireFiles(): void {
  const report: { readonly userLimits?: { readonly open_files?: { readonly soft: number | string } } } = JSON.parse(
    JSON.stringify(process.report.getReport()),
  );
  const files = Number(report.userLimits?.open_files?.soft ?? Number.POSITIVE_INFINITY);
  const needed = IDLE + SPARE_FILES;
  if (files < needed) throw new Error(`this test takes ${needed} open files, and ${files} are allowed: see ulimit -Hn`);
}
