import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Admin, MessageState } from '@waybill/proto/waybill/v1/admin';
import {
  type Bus,
  connect,
  FailedPreconditionError,
  InvalidArgumentError,
  type Message,
  UnrecoverableError,
} from '@waybill/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type OpenBusOptions, openBus } from 'waybill';
import { connectClient } from '../support/connect-client.js';
import { startGateway } from '../support/gateway.js';
import { Program, ROOT } from '../support/program.js';
import { tempFolder } from '../support/reaper.js';
import { SetChecker } from '../support/set-checker.js';
import { until } from '../support/until.js';

const WORKER = fileURLToPath(new URL('in-process-worker.mjs', import.meta.url));
const STEP_MS = 60_000;
const KILLS = 3;

function dataFile(): string {
  const folder = tempFolder('in-process');
  onTestFinished(folder.remove);
  return join(folder.path, 'deep', 'jobs.db');
}

async function open(options: Partial<OpenBusOptions> = {}): Promise<Bus> {
  const bus = await openBus({ file: dataFile(), ...options });
  onTestFinished(() => bus.close());
  return bus;
}

/** The first `count` deliveries to a channel, as the handler got them; it has settled them when this resolves. */
async function take(bus: Bus, topic: string, count: number, handler: () => void = () => {}) {
  const taken: { id: string; body: string; attempt: number }[] = [];
  let finish = () => {};
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const subscription = bus.subscribe(topic, 'c', (message) => {
    taken.push({ id: message.id, body: message.text(), attempt: message.attempt });
    if (taken.length === count) finish();
    handler();
  });
  await all;
  await subscription.stop();
  return taken;
}

describe('a bus inside the process', () => {
  test('delivers what was published to every channel, and keeps nothing of it but the ledger', async () => {
    const bus = await open();
    const channels = ['mails', 'audit'];
    const got: string[] = [];
    let finish = () => {};
    const all = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const subscriptions = channels.map((channel) =>
      bus.subscribe('orders', channel, (message) => {
        got.push(`${channel} ${message.text()}`);
        if (got.length === 4) finish();
      }),
    );
    await Promise.all(subscriptions.map(({ ready }) => ready));
    expect(await bus.publish('orders', 'one')).toMatchObject({ outcome: 'accepted' });
    await bus.publishMany('orders', ['two']);
    await all;
    expect(got.toSorted()).toEqual(['audit one', 'audit two', 'mails one', 'mails two']);
  });

  test('keeps what was not settled over a close, and what was acked stays acked', async () => {
    const file = dataFile();
    const first = await open({ file });
    await first.publishMany('jobs', ['a', 'b', 'c']);
    expect(await take(first, 'jobs', 3, () => {})).toHaveLength(3);
    await first.publish('jobs', 'later', { delay: '100ms' });
    await first.publish('jobs', 'now');
    await first.close();

    const second = await open({ file });
    const bodies = (await take(second, 'jobs', 2)).map(({ body }) => body);
    expect(bodies.toSorted()).toEqual(['later', 'now']);
  });

  test('tries again as RetryTimes and NackdJobNextRunDelaySeconds say, and a message that cannot be handled is dead at once', async () => {
    const bus = await open({ RetryTimes: 2, NackdJobNextRunDelaySeconds: 0 });
    await bus.publish('jobs', 'poison');
    const tries = await take(bus, 'jobs', 3, () => {
      throw new Error('no');
    });
    expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    await bus.publish('jobs', 'hopeless');
    await take(bus, 'jobs', 1, () => {
      throw new UnrecoverableError('never');
    });
    await bus.publish('jobs', 'good');
    expect(await take(bus, 'jobs', 1)).toMatchObject([{ body: 'good' }]);
  });

  test('removes what is published twice under one id', async () => {
    const bus = await open({ DedupeWindowSeconds: 60 });
    await bus.publish('jobs', 'a', { id: '1' });
    expect(await bus.publish('jobs', 'a', { id: '1' })).toMatchObject({ outcome: 'duplicate' });
  });

  test('takes by calls, settles by receipt, reschedules, cancels and locks', async () => {
    const bus = await open();
    await bus.publish('jobs', 'a');
    for await (const message of bus.pull('jobs', 'c', { wait: '5s' })) {
      expect(await bus.ack(message.receipt)).toMatchObject([{ status: 'ok' }]);
      expect(await bus.ack('of nobody')).toMatchObject([{ status: 'unknown' }]);
      break;
    }
    const { id } = await bus.publish('jobs', 'b', { delay: '1h' });
    await bus.reschedule('jobs', id, { delay: '2h' });
    await bus.cancel('jobs', id);
    await expect(bus.cancel('jobs', id)).rejects.toThrow();
    expect(await bus.withLock('nightly', '5s', () => 'alone')).toBe('alone');
  });

  test('ends a call at its deadline', async () => {
    const bus = await open();
    const held = await bus.lock('nightly', '30s');
    await expect(bus.lock('nightly', '1s', { wait: '100ms' })).rejects.toThrow();
    await held.release();
  });

  test('refuses bad input as a gateway does, naming the field', async () => {
    const bus = await open();
    await expect(bus.publish('no good', 'a')).rejects.toMatchObject({
      name: 'InvalidArgumentError',
      reason: 'TOPIC_INVALID',
    });
  });

  test('lets the handlers finish when it closes, and is closed then', async () => {
    const bus = await open();
    let started = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    let finished = false;
    bus.subscribe('jobs', 'c', async () => {
      started();
      await new Promise((resolve) => setTimeout(resolve, 50));
      finished = true;
    });
    await bus.publish('jobs', 'a');
    await running;
    await bus.close();
    expect(finished).toBe(true);
    await expect(bus.publish('jobs', 'b')).rejects.toMatchObject({ name: 'ClosedError' });
    await bus.close();
  });
});

test('the example of the SDK does what it says', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(`${ROOT}/sdk-ts/README.md`, 'utf8')) ?? [];
  expect(code).toContain("'jobs.db'");
  const example = new Program(['--input-type=module', '--eval', code.replace('jobs.db', dataFile())]);
  await example.says('to ann@example.org');
  example.kill('SIGINT');
  expect(await example.exit()).toBe(0);
  expect(example.stderr).toBe('');
});

describe('its file', () => {
  test('belongs to one bus at a time, in this process and in another', async () => {
    const file = dataFile();
    const bus = await open({ file });
    await expect(openBus({ file })).rejects.toThrow(FailedPreconditionError);
    await expect(openBus({ file })).rejects.toThrow(`in use by another gateway (pid ${process.pid})`);
    const other = new Program([
      '--input-type=module',
      '-e',
      `
      import { openBus } from 'waybill';
      await openBus({ file: ${JSON.stringify(file)} }).catch((error) => console.log(error.name, error.message));
    `,
    ]);
    await other.says('FailedPreconditionError');
    await other.says(`in use by another gateway (pid ${process.pid})`);
    expect(await other.exit()).toBe(0);
    await bus.close();
    expect(existsSync(`${file}.pid`)).toBe(false);
    const again = await openBus({ file });
    await again.close();
  });

  test.each([':memory:', '', 'file:x?mode=memory'])('must outlive the process: %j is refused', async (file) => {
    await expect(openBus({ file })).rejects.toThrow(InvalidArgumentError);
  });
});

describe('options', () => {
  const file = 'never-made.db';

  test.each([
    ['RetryTimes', -1, 'RetryTimes'],
    ['MaxJobRunningSeconds', 1.5, 'MaxJobRunningSeconds'],
    ['deadline', '0ms', 'deadline'],
  ])('%s: %j is refused by its name', async (name, value, words) => {
    await expect(openBus({ file: dataFile(), [name]: value })).rejects.toThrow(words);
  });

  test('that are wrong are all told at once', async () => {
    const refused = openBus({ file, RetryTimes: -1, MaxChannels: 0 });
    await expect(refused).rejects.toThrow('RetryTimes');
    await expect(refused).rejects.toThrow('MaxChannels');
    expect(existsSync(file)).toBe(false);
  });

  test('that are misspelt are refused with the near one', async () => {
    const options = { file, RetryTime: 3 };
    await expect(openBus(options)).rejects.toThrow('there is no option RetryTime: did you mean RetryTimes?');
  });

  test('that are refused leave the file free', async () => {
    const used = dataFile();
    await expect(openBus({ file: used, deadline: 0 })).rejects.toThrow('deadline');
    await (await openBus({ file: used })).close();
  });
});

test('a SIGKILL in the middle of publishing and consuming loses nothing, and nothing acked comes again', async () => {
  const file = dataFile();
  const checker = new SetChecker();
  /** Their ack was asked for, and perhaps never answered. */
  const acking = new Set<string>();
  for (let kill = 0; kill < KILLS; kill++) {
    const diary = `${file}.diary-${kill}`;
    const worker = new Program([WORKER, file, diary]);
    const enough = `\np ${randomInt(300, 1_500)} `;
    await until(async () => expect(readFileSync(diary, 'utf8').includes(enough)).toBe(true), STEP_MS);
    worker.kill('SIGKILL');
    expect(await worker.exit()).toBeNull();
    for (const line of readFileSync(diary, 'utf8').split('\n').slice(0, -1)) {
      const [what, , id = ''] = line.split(' ');
      if (what === 'p') checker.published(id);
      else if (what === 'd') checker.delivered(id);
      else if (what === 'i') acking.add(id);
      else checker.acked(id);
    }
  }
  // A gateway takes the file over, with the retries that the workers had: it hands out the rest, and knows which acks were committed and never answered.
  const gateway = await startGateway('embedded', { DataFile: file, RetryTimes: 100 });
  const admin = connectClient(Admin, gateway.httpUrl);
  const bus = await connect(gateway.rpcUrl);
  const rest = async (message: Message) => {
    checker.delivered(message.id);
    await message.ack();
    checker.acked(message.id);
  };
  bus.subscribe('orders', 'billing', rest, { concurrency: 200 });
  await until(async () => {
    for (const id of checker.lostIds(Number.POSITIVE_INFINITY).filter((id) => acking.has(id))) {
      const { timelines } = await admin.getMessage({ topic: 'orders', id });
      if (timelines[0]?.record?.state === MessageState.ACKED) checker.acked(id);
    }
    expect(checker.report.lost).toBe(0);
  }, STEP_MS);
  await bus.close();
  const { published, duplicated, afterAck } = checker.report;
  console.log(`sigkill in process: published ${published} duplicated ${duplicated} after their ack ${afterAck}`);
  expect(checker.report).toMatchObject({ lost: 0, afterAck: 0 });
}, 120_000);
