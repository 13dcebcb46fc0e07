import { buffer } from 'node:stream/consumers';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Admin, type CronEntry, CronEntrySchema, CronMissed, CronMissedSchema } from '@waybill/proto/waybill/v1/admin';
import { type Command, Option } from 'commander';
import { atLeast, header } from './arguments.js';
import { confirmed } from './ask.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { type GatewayClient, withGateway } from './gateway-client.js';
import { date, duration, timeText } from './moment.js';
import { type OutputFlags, printFields, printJson, printLine, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import { plain, wordOf } from './plain.js';
import type { Column } from './table.js';
import { tame } from './terminal.js';

type Flags = ConnectionFlags & OutputFlags;

interface CronListFlags extends Flags, ListFlags {
  readonly topic?: string;
  readonly prefix?: string;
}

interface WishFlags extends Flags {
  readonly zone?: string;
  readonly missed: keyof typeof MISSED;
  readonly key?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly ttl?: number;
  readonly paused?: boolean;
}

interface PreviewFlags extends Flags {
  readonly zone?: string;
  readonly count: number;
  readonly from?: number;
}

const MISSED = { once: CronMissed.RUN_ONCE, skip: CronMissed.SKIP } as const;

const COLUMNS: readonly Column<CronEntry>[] = [
  { title: 'NAME', of: ({ name }) => name, cut: true },
  { title: 'TOPIC', of: ({ topic }) => topic, cut: true },
  { title: 'EXPRESSION', of: ({ expression }) => expression, cut: true },
  { title: 'ZONE', of: ({ timeZone }) => timeZone },
  { title: 'NEXT', of: ({ paused, nextTimeMs }) => (paused ? 'paused' : timeText(nextTimeMs)) },
  { title: 'LAST', of: ({ lastTimeMs }) => timeText(lastTimeMs) },
];

export function cronCommand(program: Command): void {
  const group = program.command('cron').description('messages that are published again and again');
  const one = (name: string, description: string) =>
    withConnection(group.command(name)).description(description).argument('<name>').option('--json', 'answers as JSON');
  withList(withConnection(group.command('list')))
    .description('entries, by name')
    .option('--topic <topic>', 'only of this topic')
    .option('--prefix <text>', 'only names that begin with this')
    .action(list);
  one('show', 'an entry with its message').action(show);
  withWish(one('create', 'publish a message again and again'))
    .option('--paused', 'nothing is published until it is resumed')
    .action(written((gateway, entry) => gateway.call(Admin.method.createCronEntry, { entry })));
  withWish(one('update', 'replace an entry, but for its name')).action(
    written((gateway, entry) => gateway.call(Admin.method.updateCronEntry, { entry })),
  );
  one('delete', 'publish it no more').option('-y, --yes', 'does not ask').action(remove);
  one('pause', 'publish nothing until it is resumed').action(pause);
  one('resume', 'go on with the first tick from now').action(resume);
  one('run', 'publish its message once, now').action(run);
  withConnection(group.command('preview'))
    .description('the next times of an expression')
    .argument('<expression>')
    .option('--zone <zone>', 'whose clock it goes by: Europe/Berlin; UTC unless given')
    .option('--from <date>', 'from then on; now unless given', date)
    .option('--count <n>', 'how many', atLeast(1), 5)
    .option('--json', 'answers as JSON')
    .action(preview);
}

function withWish(command: Command): Command {
  return command
    .argument('<topic>')
    .argument('<expression>', "'minute hour day month weekday', or with seconds before them")
    .argument('[body]', 'the body; "-": standard input; left out: none')
    .option('--zone <zone>', 'whose clock it goes by: Europe/Berlin; UTC unless given')
    .addOption(
      new Option('--missed <how>', 'what becomes of ticks that no gateway was there for')
        .choices(Object.keys(MISSED))
        .default('once'),
    )
    .option('--key <key>', 'what it is about')
    .option('-H, --header <name=value>', 'a header; may be given many times', header)
    .option('--ttl <duration>', 'expires unless handed out by then: 10s, 5m, 2h', duration);
}

function list(flags: CronListFlags): Promise<void> {
  const { topic = '', prefix = '' } = flags;
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const request = { topic, prefix, pageSize, pageToken };
      const { entries, nextPageToken } = await gateway.call(Admin.method.listCronEntries, request);
      return { rows: entries, nextPageToken };
    });
    printList(flags, found, {
      name: 'entries',
      desc: CronEntrySchema,
      columns: COLUMNS,
      none: 'There are no cron entries.',
    });
  });
}

function show(name: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    print(flags, (await gateway.call(Admin.method.getCronEntry, { name })).entry);
  });
}

type Write = (
  gateway: GatewayClient,
  entry: MessageInitShape<typeof CronEntrySchema>,
) => Promise<{ readonly entry?: CronEntry | undefined }>;

/** A command that writes an entry down and prints what became of it. */
function written(write: Write) {
  return async (
    name: string,
    topic: string,
    expression: string,
    body: string | undefined,
    flags: WishFlags,
  ): Promise<void> => {
    const wish = await wishOf(name, topic, expression, body, flags);
    await withGateway(flags, async (gateway) => {
      print(flags, (await write(gateway, wish)).entry);
    });
  };
}

async function wishOf(
  name: string,
  topic: string,
  expression: string,
  body: string | undefined,
  { zone = '', missed, key = '', header: headers = {}, ttl = 0, paused = false }: WishFlags,
): Promise<MessageInitShape<typeof CronEntrySchema>> {
  const bytes = body === '-' ? await buffer(process.stdin) : Buffer.from(body ?? '');
  const message = { topic, body: bytes, headers: { ...headers }, key, ttlMs: BigInt(ttl) };
  return { name, expression, timeZone: zone, missed: MISSED[missed], paused, ...message };
}

function remove(name: string, flags: Flags & { readonly yes?: boolean }): Promise<void> {
  return withGateway(flags, async (gateway) => {
    await confirmed(`delete the cron entry ${name}`, flags.yes);
    await gateway.call(Admin.method.deleteCronEntry, { name });
    if (flags.json === true) printJson({ name, deleted: true });
    else printLine(`deleted ${name}`);
  });
}

function pause(name: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    print(flags, (await gateway.call(Admin.method.pauseCronEntry, { name })).entry);
  });
}

function resume(name: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    print(flags, (await gateway.call(Admin.method.resumeCronEntry, { name })).entry);
  });
}

function run(name: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const { id } = await gateway.call(Admin.method.runCronEntry, { name });
    if (flags.json === true) printJson({ name, id });
    else printLine(`published ${id}`);
  });
}

function preview(expression: string, flags: PreviewFlags): Promise<void> {
  const { zone: timeZone = '', count, from = 0 } = flags;
  return withGateway(flags, async (gateway) => {
    const request = { expression, timeZone, count, afterTimeMs: BigInt(from) };
    const { timesMs } = await gateway.call(Admin.method.previewCron, request);
    if (flags.json === true) printJson({ timesMs: timesMs.map(Number) });
    else for (const time of timesMs) printLine(timeText(time));
  });
}

function print({ json }: OutputFlags, entry: CronEntry | undefined): void {
  if (entry === undefined) throw new Error('the gateway answered without an entry');
  if (json === true) {
    printJson(plain(CronEntrySchema, entry));
    return;
  }
  printFields([
    ['name', entry.name],
    ['topic', entry.topic],
    ['expression', `${entry.expression} ${entry.timeZone}`],
    ['missed', wordOf(CronMissedSchema, entry.missed)],
    ['next', entry.paused ? 'paused' : timeText(entry.nextTimeMs)],
    ['last', entry.lastTimeMs === 0n ? '-' : `${timeText(entry.lastTimeMs)}, ${entry.lastMessageId}`],
    ['key', tame(entry.key) || '-'],
    ...Object.entries(entry.headers).map(([name, value]) => [`header ${name}`, tame(value)] as const),
    ['body', `${entry.body.length} bytes`],
  ]);
  if (entry.body.length > 0) printLine(`\n${tame(Buffer.from(entry.body).toString())}`);
}
