import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import type { Duration, Published, PublishItem } from '@waybill/sdk';
import type { Command } from 'commander';
import { header } from './arguments.js';
import { type ConnectionFlags, open, withConnection } from './connection.js';

interface PubFlags extends ConnectionFlags {
  readonly id?: string;
  readonly key?: string;
  readonly header?: Record<string, string>;
  readonly delay?: Duration;
  readonly ttl?: Duration;
  readonly lines?: boolean;
  readonly json?: boolean;
}

/** Lines that are published together: the SDK holds back by itself, this bounds what is read ahead. */
const LINES = 1_000;

export function pubCommand(program: Command): void {
  withConnection(program.command('pub'))
    .description('publish a message')
    .argument('<topic>')
    .argument('[body]', 'the body; left out or "-": standard input')
    .option('--id <id>', 'its id: published again under the same id, it is dropped')
    .option('--key <key>', 'what it is about')
    .option('-H, --header <name=value>', 'a header; may be given many times', header)
    .option('-d, --delay <duration>', 'not before this has passed: 500ms, 10s, 5m, 2h, 7d')
    .option('--ttl <duration>', 'expires unless handed out by then')
    .option('-l, --lines', 'every line of standard input is a message')
    .option('--json', 'answers as JSON, one line a message')
    .action(pub);
}

async function pub(topic: string, body: string | undefined, flags: PubFlags): Promise<void> {
  const bus = await open(flags);
  const { id, key, header: headers, delay, ttl } = flags;
  const options = {
    ...(id && { id }),
    ...(key && { key }),
    ...(headers && { headers }),
    ...(delay && { delay }),
    ...(ttl && { ttl }),
  };
  const tell = (published: Published) => {
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(published)}\n` : `${published.outcome} ${published.id}\n`,
    );
  };
  try {
    if (flags.lines === true) {
      for await (const items of lines(options))
        for (const published of await bus.publishMany(topic, items)) tell(published);
    } else {
      const bytes = body === undefined || body === '-' ? await buffer(process.stdin) : body;
      tell(await bus.publish(topic, bytes, options));
    }
  } finally {
    await bus.close();
  }
}

async function* lines(options: Omit<PublishItem, 'body'>): AsyncGenerator<PublishItem[]> {
  let items: PublishItem[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    items.push({ ...options, body: line });
    if (items.length < LINES) continue;
    yield items;
    items = [];
  }
  if (items.length > 0) yield items;
}
