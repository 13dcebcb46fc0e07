import type { Duration } from '@waybill/sdk';
import type { Command } from 'commander';
import { atLeast } from './arguments.js';
import { type ConnectionFlags, interruption, open, withConnection } from './connection.js';
import { messageJson } from './print-message.js';

interface SubFlags extends ConnectionFlags {
  readonly concurrency: number;
  readonly count?: number;
  readonly lease?: Duration;
  readonly json?: boolean;
}

export function subCommand(program: Command): void {
  withConnection(program.command('sub'))
    .description('print and acknowledge the messages of a channel, until interrupted')
    .argument('<topic>', 'a topic, or a pattern: orders.*, audit.#')
    .argument('<channel>', 'made on first use; it keeps every message from then on')
    .option('-c, --concurrency <n>', 'messages in hand at a time', atLeast(1), 1)
    .option('-n, --count <n>', 'ends after this many messages', atLeast(1))
    .option('--lease <duration>', 'how long a message may stay unsettled')
    .option('--json', 'one JSON object a message')
    .action(sub);
}

async function sub(topic: string, channel: string, flags: SubFlags): Promise<void> {
  const signal = interruption();
  const bus = await open(flags);
  let left = flags.count ?? Number.POSITIVE_INFINITY;
  let stop: () => void = () => {};
  const enough = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener('abort', stop);
  const subscription = bus.subscribe(
    topic,
    channel,
    async (message) => {
      // With the last one taken, what else is held goes back unread.
      if (left === 0) return await message.nack({ delay: 0, reason: 'not wanted any more' });
      left--;
      process.stdout.write(`${flags.json === true ? messageJson(message) : message.text()}\n`);
      await message.ack();
      if (left === 0) stop();
    },
    {
      concurrency: flags.concurrency,
      credit: Math.min(flags.concurrency, left),
      settle: 'manual',
      ...(flags.lease === undefined ? {} : { lease: flags.lease }),
      onError: (error) => process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`),
    },
  );
  try {
    await subscription.ready;
    process.stderr.write(`listening on ${topic} as ${channel}; Ctrl-C ends it\n`);
    await Promise.race([enough, subscription.closed]);
  } finally {
    await subscription.stop();
    await bus.close();
  }
}
