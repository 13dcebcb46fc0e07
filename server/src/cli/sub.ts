import type { Duration } from '@waybill/sdk';
import type { Command } from 'commander';
import { atLeast } from './arguments.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { listen } from './listen.js';
import { printLine } from './output.js';
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
  await listen({
    flags,
    topic,
    channel,
    count: flags.count,
    options: {
      concurrency: flags.concurrency,
      credit: Math.min(flags.concurrency, flags.count ?? Number.POSITIVE_INFINITY),
      settle: 'manual',
      ...(flags.lease === undefined ? {} : { lease: flags.lease }),
    },
    greeting: `listening on ${topic} as ${channel}; Ctrl-C ends it`,
    async take(message) {
      printLine(flags.json === true ? messageJson(message) : message.text());
      await message.ack();
    },
    // It goes back unread.
    surplus: (message) => message.nack({ delay: 0, reason: 'not wanted any more' }),
  });
}
