import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { Bus } from '@waybill/proto/waybill/v1/bus';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { type Refusal, refusalOf } from '../bad-input/error-info.js';
import { RawClient } from '../bad-input/raw-client.js';
import { faultsOf } from '../bad-input/witness.js';
import { AckingConsumer } from '../support/acking-consumer.js';
import { BusClient } from '../support/client.js';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { SetChecker } from '../support/set-checker.js';
import { HostileConnections } from './hostile-connections.js';
import { HTTP_ATTACKS } from './http-attacks.js';
import { memoryOf } from './memory.js';
import { mutate } from './mutation.js';
import { Random } from './random.js';
import { PUBLISH_FRAMES, REQUESTS, SUBSCRIBE_FRAMES } from './requests.js';
import { RPC_ATTACKS } from './rpc-attacks.js';

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];

/** Each kind of fuzz ends after so many tries, or so long. */
const MAX_TRIES = 3_000;
const PHASE_MS = 4_000;
const AT_A_TIME = 16;
const RESETS_OF_A_CONNECTION = 500;
const CALL_MS = 1_000;
/** A gateway that never answered a PING of this period, and one more of waiting, is given up. */
const KEEPALIVE_SECONDS = 3;
const KEPT = 300;
/**
 * What a gateway may have taken more than before the fuzz. Measured: 9,000 hostile connections leave it with up to 230 MB more,
 * 60,000 with 330 MB, and the next 60,000 add nothing to speak of.
 */
const MAX_GROWTH_MB = 350;

const seed = Random.fromEnvironment().seed;

describe.each(ENGINES)(`a gateway of the %s engine, fuzzed with WAYBILL_FUZZ_SEED=${seed},`, (engine) => {
  const random = new Random(seed);
  let group: GatewayGroup;
  let gateway: Gateway;
  let client: BusClient;
  let raw: RawClient;
  const retired: RawClient[] = [];
  let rpc: HostileConnections;
  let http: HostileConnections;
  let reader: AckingConsumer;
  let pid: number | undefined;
  let before: number;
  const kept = new Set<string>();
  const accepted = new SetChecker();

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    gateway = await group.start({ KeepaliveSeconds: KEEPALIVE_SECONDS, MaxMessageBytes: 65_536 });
    pid = gateway.pid;
    client = new BusClient(gateway.rpcUrl);
    raw = new RawClient(gateway.rpcUrl);
    rpc = new HostileConnections(gateway.rpcUrl);
    http = new HostileConnections(new URL(gateway.httpUrl).host);
    await client.makeChannel('kept', 'kept');
    const body = Buffer.alloc(1_000);
    for (const { id } of await client.publish(Array.from({ length: KEPT }, () => ({ topic: 'kept', body })))) {
      kept.add(id);
    }
    // Whatever is accepted from now on is read by a client that takes nothing but proper messages.
    reader = await AckingConsumer.start(client, '#', 'reader', accepted);
    before = await memoryOf(gateway);
  });

  beforeEach(() => onTestFailed(() => group.printLogs()));

  afterEach(async () => {
    expect(gateway.pid).toBe(pid);
    await expectToWork();
  });

  afterAll(async () => {
    rpc?.close();
    http?.close();
    for (const old of [...retired, raw]) old?.close();
    await reader?.stop();
    client?.close();
    await group?.remove();
  });

  /** A message makes its way while all that is hostile stays connected. */
  async function expectToWork(): Promise<void> {
    const { id } = await client.publishOne({ topic: 'good' });
    accepted.published(id);
    await accepted.until(({ lost }) => lost === 0, 15_000);
    expect((await fetch(`${gateway.httpUrl}/readyz`)).status).toBe(200);
  }

  test('answers mutated requests with a result, or an error of its own', async () => {
    await many(async () => {
      const [method, good] = random.pick(REQUESTS);
      const bytes = mutate(random, good);
      const answer = await raw.unary(method, bytes, CALL_MS);
      if (!(answer instanceof Uint8Array)) expectProper(answer, `${method.name} ${bytes.toString('hex')}`);
    });
  });

  test('ends streams of mutated frames with an error of its own, and forgets those that break off', async () => {
    // A connection that resets streams faster than that is closed for it, which is the protection against rapid resets.
    let resets = 0;
    await many(async () => {
      if (++resets % RESETS_OF_A_CONNECTION === 0) {
        // What is under way on the old one goes on.
        retired.push(raw);
        raw = new RawClient(gateway.rpcUrl);
      }
      const [method, frames] = random.pick([
        [Bus.method.publishStream, PUBLISH_FRAMES],
        [Bus.method.subscribe, SUBSCRIBE_FRAMES],
      ] as const);
      const call = raw.open(method, CALL_MS);
      const ended = new Promise<Refusal | undefined>((resolve) => {
        call.on('error', (error: ServiceError) => resolve(refusalOf(error)));
        call.on('end', () => resolve(undefined));
        call.resume();
      });
      const sent: string[] = [];
      for (let i = random.int(8); i >= 0; i--) {
        const good = i === 0 ? random.pick(frames) : (frames[0] ?? random.bytes(5));
        const bytes = random.once(2) ? mutate(random, good) : Buffer.from(good);
        sent.push(bytes.toString('hex'));
        call.write(bytes);
      }
      const breakOff = random.once(2);
      if (breakOff) setImmediate(() => call.cancel());
      else call.end();
      const refusal = await ended;
      if (refusal !== undefined && !breakOff) expectProper(refusal, `${method.name} ${sent.join(' ')}`);
    });
  });

  test('takes any metadata', async () => {
    await many(async () => {
      const metadata = new Metadata();
      for (let i = random.int(5); i >= 0; i--) {
        const name = `x-${random.int(40)}`;
        if (random.once(2)) metadata.add(`${name}-bin`, random.bytes(random.int(3_000)));
        else metadata.add(name, 'v'.repeat(random.once(20) ? random.int(100_000) : random.int(500)));
      }
      const [method, bytes] = random.pick(REQUESTS.slice(2));
      await raw.unary(method, bytes, CALL_MS, metadata);
    });
  });

  test('outlives hostile connections to the gRPC port', async () => {
    const names = Object.keys(RPC_ATTACKS);
    let next = 0;
    await many(async () => {
      const name = next < names.length ? names[next++] : random.pick(names);
      const attack = RPC_ATTACKS[name ?? ''];
      const [, request] = random.pick(REQUESTS);
      if (attack !== undefined) await rpc.attack(random, attack(random, request));
    });
  });

  test('outlives hostile connections to the HTTP port, and never answers 500', async () => {
    const attacks = Object.entries(HTTP_ATTACKS);
    await many(async () => {
      const [name, attack] = random.pick(attacks);
      const chunks = attack(random);
      const answer = (await http.attack(random, chunks)).toString('latin1');
      const sent = Buffer.concat(chunks).toString('latin1').slice(0, 300);
      expect(answer, `${name}: ${sent}`).not.toMatch(/^HTTP\/1\.1 5(?!0[53])/m);
    });
  });

  test('closes connections that dribble, or say nothing', async () => {
    const slow = [
      ...(await opened(http, 40, Buffer.from('GET /ping HTTP/1.1\r\nh: '))),
      ...(await opened(rpc, 40, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n'))),
    ];
    const dribble = setInterval(() => {
      for (const socket of slow) if (!socket.destroyed) socket.write('a');
    }, 200);
    const silent = [...(await opened(http, 20)), ...(await opened(rpc, 20))];
    await expectToWork();
    await Promise.all([http.allClosed(), rpc.allClosed()]);
    clearInterval(dribble);
    expect([...slow, ...silent].every((socket) => socket.destroyed)).toBe(true);
  });

  test('is the gateway that it was: nothing lost, nothing leaked, no fault of its own', async () => {
    const pulled = new Set<string>();
    while (pulled.size < KEPT) {
      const received = await client.pull('kept', 'kept', { max: 1_000 });
      expect(received.length, `${pulled.size} of ${KEPT} came`).toBeGreaterThan(0);
      for (const { id } of received) pulled.add(id);
      const settled = await client.ack(received.map(({ receipt }) => receipt));
      expect(new Set(settled)).toEqual(new Set(['ok']));
    }
    expect(pulled).toEqual(kept);
    expect((await memoryOf(gateway)) - before).toBeLessThan(MAX_GROWTH_MB);
    expect(faultsOf(gateway)).toEqual([]);
  });
});

/** Does something again and again, a few at a time, until there was enough of it. */
async function many(once: () => Promise<void>): Promise<void> {
  const until = performance.now() + PHASE_MS;
  let left = MAX_TRIES;
  const worker = async () => {
    while (left-- > 0 && performance.now() < until) await once();
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/** The errors that bad input can have. Anything else is a fault. */
const PROPER = new Set(['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'NOT_FOUND', 'RESOURCE_EXHAUSTED']);

function expectProper({ code, domain, reason, message }: Refusal, sent: string): void {
  // The client's own deadline, as when a mutated wait is longer.
  if (code === 'DEADLINE_EXCEEDED') return;
  if (PROPER.has(code) && domain === 'waybill' && reason !== '') return;
  throw new Error(`${code} ${reason} ${message}: the answer to ${sent}`);
}

async function opened(connections: HostileConnections, count: number, start = Buffer.alloc(0)) {
  const sockets = await Promise.all(Array.from({ length: count }, () => connections.open()));
  for (const socket of sockets) socket.write(start);
  return sockets;
}
