import type { Bus } from '@waybill/sdk';
import type { Command } from 'commander';
import { atLeast } from './arguments.js';
import { type ConnectionFlags, open, withConnection } from './connection.js';

interface BenchFlags extends ConnectionFlags {
  readonly messages: number;
  readonly size: number;
  readonly window: number;
  readonly json?: boolean;
}

export function benchCommand(program: Command): void {
  withConnection(program.command('bench'))
    .description('measure a gateway: publish confirmed, then publish, deliver and acknowledge')
    .option('-n, --messages <n>', 'messages a run', atLeast(1), 50_000)
    .option('-s, --size <bytes>', 'bytes a body', atLeast(0), 256)
    .option('-w, --window <n>', 'publishes under way at a time', atLeast(1), 1_000)
    .option('--json', 'one JSON object a run')
    .action(bench);
}

/** Each run makes a topic of its own, with a channel whose messages it takes in the end: nothing is left to be delivered. */
async function bench(flags: BenchFlags): Promise<void> {
  const bus = await open(flags);
  const topic = `waybill-bench.${process.pid}.${Date.now()}`;
  try {
    const handled = consume(bus, topic, flags);
    await handled.ready;
    const start = performance.now();
    const published = await publish(bus, topic, flags);
    await handled.done;
    report(flags, 'publish, confirmed', published - start);
    report(flags, 'publish, deliver, ack', performance.now() - start);
    await handled.stop();
  } finally {
    await bus.close();
  }
}

/** Answers when the last was confirmed. */
async function publish(bus: Bus, topic: string, { messages, size, window }: BenchFlags): Promise<number> {
  const body = new Uint8Array(size).fill(65);
  let sent = 0;
  const worker = async () => {
    while (sent < messages) {
      sent++;
      await bus.publish(topic, body);
    }
  };
  await Promise.all(Array.from({ length: Math.min(window, messages) }, worker));
  return performance.now();
}

function consume(bus: Bus, topic: string, { messages, window }: BenchFlags) {
  let left = messages;
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const subscription = bus.subscribe(
    topic,
    'bench',
    async (message) => {
      await message.ack();
      if (--left === 0) finish();
    },
    { concurrency: window, credit: window, settle: 'manual' },
  );
  return { ready: subscription.ready, done, stop: () => subscription.stop() };
}

function report({ messages, size, json }: BenchFlags, name: string, ms: number): void {
  const rate = Math.round((messages / ms) * 1000);
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ name, unit: 'messages/s', value: rate, messages, size })}\n`
      : `${name.padEnd(24)} ${rate.toLocaleString('en-US').padStart(9)} messages/s   (${messages} of ${size} bytes)\n`,
  );
}
