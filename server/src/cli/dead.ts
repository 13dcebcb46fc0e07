import type { MessageInitShape } from '@bufbuild/protobuf';
import { Admin, type DeadLetter, DeadLetterSchema, type DeadQuerySchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { atLeast } from './arguments.js';
import { confirmed } from './ask.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { deadEditCommand } from './dead-edit.js';
import { CommandError } from './failure.js';
import { CALL_MS, withGateway } from './gateway-client.js';
import { type ShowFlags, showMessage } from './message.js';
import { past, timeText } from './moment.js';
import { note, type OutputFlags, printJson, printLine, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import { progressOf } from './progress.js';
import type { Column } from './table.js';

type Flags = ConnectionFlags & OutputFlags;

interface QueryFlags {
  readonly topic?: string;
  readonly channel?: string;
  readonly id?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly reason?: string;
}

interface ChangeFlags extends Flags, QueryFlags {
  readonly everything?: boolean;
  readonly limit: number;
  readonly rate?: number;
  readonly dropTtl?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const COLUMNS: readonly Column<DeadLetter>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'TOPIC', of: ({ topic }) => topic, cut: true },
  { title: 'CHANNEL', of: ({ channel }) => channel, cut: true },
  { title: 'DIED', of: ({ deadTimeMs }) => timeText(deadTimeMs) },
  { title: 'ATTEMPTS', of: ({ attempt }) => attempt, right: true },
  { title: 'KEY', of: ({ key }) => key, cut: true },
  { title: 'BYTES', of: ({ bodyBytes }) => String(bodyBytes), right: true },
  { title: 'REASON', of: ({ reason }) => reason, cut: true },
];

/** The most that one call may change. */
const MAX_LIMIT = 1_000_000;
/** So many a call, so that progress can be told. */
const PART = 5_000;
/** For a call that cannot be made in parts. */
const LONG_MS = 600_000;
const PAST = { redrive: 'redriven', delete: 'deleted' } as const;

export function deadCommand(program: Command): void {
  const group = program.command('dead').description('dead letters: list, show, edit, redrive, delete');
  withList(withQuery(withConnection(group.command('list'))))
    .description('the last to die first')
    .action(list);
  withConnection(group.command('show'))
    .description('a dead letter with its body and timeline')
    .argument('<topic>')
    .argument('<id>')
    .option('--channel <channel>', 'the body as it is on this channel')
    .option('--pattern <pattern>', "that channel's pattern, where it is not the topic")
    .option('--json', 'answers as JSON')
    .action((topic: string, id: string, flags: ShowFlags) => showMessage(topic, id, flags));
  deadEditCommand(group);
  withChange(group.command('redrive'))
    .description('give dead letters back to the channel on which they died, with all retries ahead of them')
    .option('--rate <n>', 'the most that become due a second', atLeast(1))
    .option('--drop-ttl', 'also where the time to live is over: from here on they have none')
    .action((flags: ChangeFlags) => change('redrive', flags));
  withChange(group.command('delete'))
    .description('end dead letters for good; their history stays')
    .action((flags: ChangeFlags) => change('delete', flags));
}

function withQuery(command: Command): Command {
  return command
    .option('--topic <topic>', 'only of this topic')
    .option('--channel <channel>', 'only of channels of this name')
    .option('--id <id>', 'only this one, with --topic; may be given many times', (id, before: string[] = []) => [
      ...before,
      id,
    ])
    .option('--since <time>', 'only died at this time or later: 1h (ago) or a date', past)
    .option('--until <time>', 'only died before this: 1h (ago) or a date', past)
    .option('--reason <text>', 'only with this in the reason, upper and lower case alike');
}

function withChange(command: Command): Command {
  return withQuery(withConnection(command))
    .option('--everything', 'all dead letters; needed where no other option says which')
    .option('-n, --limit <n>', `the most, up to ${MAX_LIMIT}`, atLeast(1), MAX_LIMIT)
    .option('--dry-run', 'only counts')
    .option('-y, --yes', 'does not ask')
    .option('--json', 'answers as JSON');
}

function list(flags: Flags & QueryFlags & ListFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const query = queryOf(flags);
    const found = await gather(flags, async (pageSize, pageToken) => {
      const { dead, nextPageToken } = await gateway.call(Admin.method.listDead, { query, pageSize, pageToken });
      return { rows: dead, nextPageToken };
    });
    const none = 'There are no such dead letters.';
    printList(flags, found, { name: 'dead', desc: DeadLetterSchema, columns: COLUMNS, none });
  });
}

/** Counts first, and changes no more than that: what dies again meanwhile is left alone. */
function change(action: 'redrive' | 'delete', flags: ChangeFlags): Promise<void> {
  const query = queryOf(flags);
  if (flags.everything !== true && !isNarrow(flags)) {
    throw new CommandError(
      'INVALID_ARGUMENT',
      'Say which: --topic, --channel, --since, --until, --reason, or --everything.',
    );
  }
  return withGateway(flags, async (gateway) => {
    const terms = { maxPerSecond: flags.rate ?? 0, dropTtl: flags.dropTtl ?? false };
    const call = (limit: number, dryRun: boolean, timeoutMs = CALL_MS) =>
      action === 'redrive'
        ? gateway.call(Admin.method.redrive, { query, limit, dryRun, ...terms }, timeoutMs)
        : gateway.call(Admin.method.deleteDead, { query, limit, dryRun }, timeoutMs);
    const limit = Math.min(flags.limit, MAX_LIMIT);
    const hit = await call(limit, true);
    const count = Number(hit.count);
    if (flags.dryRun === true) return print(flags, action, { count, complete: hit.complete, dryRun: true });
    if (count > 0) await confirmed(`${action} ${hit.complete ? '' : 'at least '}${count} dead letters`, flags.yes);
    // The rate counts from the start of a call, so there must be one only.
    const part = flags.rate === undefined ? PART : limit;
    const progress = progressOf(PAST[action], count);
    let done = 0;
    let complete = count === 0;
    try {
      while (!complete && done < count) {
        const answer = await call(Math.min(part, count - done), false, flags.rate === undefined ? CALL_MS : LONG_MS);
        done += Number(answer.count);
        complete = answer.complete;
        progress.at(done);
        if (answer.count === 0n || flags.rate !== undefined) break;
      }
    } finally {
      progress.end();
    }
    print(flags, action, { count: done, complete: complete || (hit.complete && done >= count), dryRun: false });
  });
}

interface Changed {
  readonly count: number;
  readonly complete: boolean;
  readonly dryRun: boolean;
}

function print({ json }: OutputFlags, action: 'redrive' | 'delete', changed: Changed): void {
  if (json === true) {
    printJson({ ...changed });
    return;
  }
  printLine(`${changed.dryRun ? `would ${action}` : PAST[action]} ${changed.count} dead letters`);
  if (!changed.complete) note('There may be more: run it again.');
}

function queryOf({
  topic = '',
  channel = '',
  id = [],
  since = 0,
  until = 0,
  reason = '',
}: QueryFlags): MessageInitShape<typeof DeadQuerySchema> {
  const times = { afterTimeMs: BigInt(since), beforeTimeMs: BigInt(until) };
  return { topic, channel, ids: [...id], reasonContains: reason, ...times };
}

function isNarrow({ topic, channel, id, since, until, reason }: QueryFlags): boolean {
  return [topic, channel, id, since, until, reason].some((each) => each !== undefined);
}
