import { Admin, MessageStateSchema, type Scheduled, ScheduledSchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { confirmed } from './ask.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { CommandError } from './failure.js';
import { withGateway } from './gateway-client.js';
import { date, duration, timeText } from './moment.js';
import { type OutputFlags, printJson, printLine, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import { wordOf } from './plain.js';
import type { Column } from './table.js';

type Flags = ConnectionFlags & OutputFlags;

interface ScheduleListFlags extends Flags, ListFlags {
  readonly topic?: string;
  readonly channel?: string;
  readonly from?: number;
  readonly to?: number;
}

interface MoveFlags extends Flags {
  readonly delay?: number;
  readonly at?: number;
}

interface RunFlags extends Flags {
  readonly channel?: string;
  readonly pattern?: string;
}

const COLUMNS: readonly Column<Scheduled>[] = [
  { title: 'DUE', of: ({ dueTimeMs }) => timeText(dueTimeMs) },
  { title: 'ID', of: ({ id }) => id },
  { title: 'TOPIC', of: ({ topic }) => topic, cut: true },
  { title: 'CHANNEL', of: ({ channel }) => channel || '-', cut: true },
  { title: 'STATE', of: ({ state }) => wordOf(MessageStateSchema, state) },
  { title: 'ATTEMPTS', of: ({ attempt }) => attempt, right: true },
  { title: 'KEY', of: ({ key }) => key, cut: true },
  { title: 'BYTES', of: ({ bodyBytes }) => String(bodyBytes), right: true },
  { title: 'REASON', of: ({ reason }) => reason, cut: true },
];

export function scheduleCommand(program: Command): void {
  const group = program.command('schedule').description('what waits for a time: list, cancel, move, run now');
  const one = (name: string, description: string) =>
    withConnection(group.command(name))
      .description(description)
      .argument('<topic>')
      .argument('<id>')
      .option('--json', 'answers as JSON');
  withList(withConnection(group.command('list')))
    .description('delayed messages and retries, the next due first')
    .option('--topic <topic>', 'only of this topic')
    .option('--channel <channel>', 'only retries of channels of this name')
    .option('--from <date>', 'only due at this time or later', date)
    .option('--to <date>', 'only due before this', date)
    .action(list);
  one('cancel', 'withdraw a delayed message').option('-y, --yes', 'does not ask').action(cancel);
  one('move', 'give a delayed message another time')
    .option('-d, --delay <duration>', 'this long from now: 10s, 5m, 2h', duration)
    .option('--at <date>', 'at this time: 2031-05-01T12:00:00Z', date)
    .action(move);
  one('run', 'make a delayed message or a retry due now')
    .option('--channel <channel>', 'the channel that a retry waits for')
    .option('--pattern <pattern>', "that channel's pattern, where it is not the topic")
    .action(run);
}

function list(flags: ScheduleListFlags): Promise<void> {
  const { topic = '', channel = '', from = 0, to = 0 } = flags;
  const query = { topic, channel, afterTimeMs: BigInt(from), beforeTimeMs: BigInt(to) };
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const { scheduled, nextPageToken } = await gateway.call(Admin.method.listScheduled, {
        ...query,
        pageSize,
        pageToken,
      });
      return { rows: scheduled, nextPageToken };
    });
    const none = 'Nothing waits for a time.';
    printList(flags, found, { name: 'scheduled', desc: ScheduledSchema, columns: COLUMNS, none });
  });
}

function cancel(topic: string, id: string, flags: Flags & { readonly yes?: boolean }): Promise<void> {
  return withGateway(flags, async (gateway) => {
    await confirmed(`cancel the message ${id} of ${topic}`, flags.yes);
    await gateway.call(Admin.method.cancelScheduled, { topic, id });
    if (flags.json === true) printJson({ topic, id, cancelled: true });
    else printLine(`cancelled ${id}`);
  });
}

function move(topic: string, id: string, flags: MoveFlags): Promise<void> {
  const { delay, at } = flags;
  if ((delay === undefined) === (at === undefined)) {
    throw new CommandError('INVALID_ARGUMENT', 'Say when: --delay or --at, one of them.');
  }
  return withGateway(flags, async (gateway) => {
    const when =
      at === undefined
        ? ({ case: 'delayMs', value: BigInt(delay ?? 0) } as const)
        : ({ case: 'dueTimeMs', value: BigInt(at) } as const);
    const { dueTimeMs } = await gateway.call(Admin.method.rescheduleScheduled, { topic, id, when });
    if (flags.json === true) printJson({ topic, id, dueTimeMs: Number(dueTimeMs) });
    else printLine(`${id} is due at ${timeText(dueTimeMs)}`);
  });
}

function run(topic: string, id: string, flags: RunFlags): Promise<void> {
  const { channel = '', pattern = '' } = flags;
  return withGateway(flags, async (gateway) => {
    await gateway.call(Admin.method.runNow, { topic, id, channel, channelTopic: pattern });
    if (flags.json === true) printJson({ topic, id, due: true });
    else printLine(`${id} is due now`);
  });
}
