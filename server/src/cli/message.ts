import {
  Admin,
  type Attempt,
  AttemptOutcomeSchema,
  GetMessageResponseSchema,
  type MessageRecord,
  MessageRecordSchema,
  MessageStateSchema,
} from '@waybill/proto/waybill/v1/admin';
import { type Command, InvalidArgumentError } from 'commander';
import { header } from './arguments.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { CommandError } from './failure.js';
import { withGateway } from './gateway-client.js';
import { past, timeText } from './moment.js';
import { type OutputFlags, printFields, printJson, printLine, printList, printTable } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import { plain, wordOf } from './plain.js';
import type { Column } from './table.js';
import { tame } from './terminal.js';

interface FindFlags extends ConnectionFlags, OutputFlags, ListFlags {
  readonly id?: string;
  readonly key?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly topic?: string;
  readonly channel?: string;
  readonly state?: readonly number[];
  readonly since?: number;
  readonly until?: number;
}

export interface ShowFlags extends ConnectionFlags, OutputFlags {
  readonly topic?: string;
  /** Whose copy of the body. */
  readonly channel?: string;
  readonly pattern?: string;
}

const RECORDS: readonly Column<MessageRecord>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'TOPIC', of: ({ topic }) => topic, cut: true },
  { title: 'CHANNEL', of: ({ channel }) => channel || '-', cut: true },
  { title: 'STATE', of: ({ state }) => wordOf(MessageStateSchema, state) },
  { title: 'ATTEMPT', of: ({ attempt }) => attempt, right: true },
  { title: 'ACCEPTED', of: ({ acceptTimeMs }) => timeText(acceptTimeMs) },
  { title: 'SETTLED', of: ({ settleTimeMs }) => timeText(settleTimeMs) },
  { title: 'CONSUMER', of: ({ consumer }) => consumer, cut: true },
  { title: 'KEY', of: ({ key }) => key, cut: true },
  { title: 'REASON', of: ({ reason }) => reason, cut: true },
];

const ATTEMPTS: readonly Column<Attempt>[] = [
  { title: 'ATTEMPT', of: ({ number }) => number || '-', right: true },
  { title: 'OUTCOME', of: ({ outcome }) => wordOf(AttemptOutcomeSchema, outcome) },
  { title: 'DELIVERED', of: ({ deliverTimeMs }) => timeText(deliverTimeMs) },
  { title: 'SETTLED', of: ({ settleTimeMs }) => timeText(settleTimeMs) },
  { title: 'TOOK', of: tookOf, right: true },
  { title: 'CONSUMER', of: ({ consumer }) => consumer, cut: true },
  { title: 'NODE', of: ({ node }) => node || '-', cut: true },
  { title: 'REASON', of: ({ reason }) => reason, cut: true },
];

const STATES = MessageStateSchema.values
  .filter(({ number }) => number > 0)
  .map(({ number }) => wordOf(MessageStateSchema, number));

export function messageCommand(program: Command): void {
  const group = program.command('message').description('find messages in the ledger, and what happened to them');
  withList(withConnection(group.command('find')))
    .description('records of messages, the last to end first')
    .option('--id <id>', 'only with this id')
    .option('--key <key>', 'only with this key, the last accepted first')
    .option('--header <name=value>', 'only with this header, one of config SearchHeaders', header)
    .option('--topic <topic>', 'only of this topic; with --state parked, what waits for its first channel')
    .option('--channel <channel>', 'only of channels of this name')
    .option('--state <state>', `only in this state; may be given many times: ${STATES.join(', ')}`, stateNamed)
    .option('--since <time>', 'only ended at this time or later: 1h (ago) or a date', past)
    .option('--until <time>', 'only ended before this: 1h (ago) or a date', past)
    .action(find);
  withConnection(group.command('show'))
    .description('a message and its timeline on every channel')
    .argument('<id>')
    .option('--topic <topic>', 'needed where several topics have a message with this id')
    .option('--channel <channel>', 'the body as it is on this channel')
    .option('--pattern <pattern>', "that channel's pattern, where it is not the topic")
    .option('--json', 'answers as JSON')
    .action((id: string, flags: ShowFlags) => showMessage(flags.topic ?? '', id, flags));
}

function stateNamed(text: string, before: readonly number[] = []): number[] {
  const found = MessageStateSchema.values.find(
    ({ number }) => wordOf(MessageStateSchema, number) === text.toLowerCase(),
  );
  if (found === undefined || found.number === 0)
    throw new InvalidArgumentError(`It takes one of ${STATES.join(', ')}.`);
  return [...before, found.number];
}

function find(flags: FindFlags): Promise<void> {
  const { id = '', key = '', topic = '', channel = '', state = [], since = 0, until = 0 } = flags;
  const [[headerName, headerValue] = ['', ''], ...others] = Object.entries(flags.header ?? {});
  if (others.length > 0) throw new CommandError('INVALID_ARGUMENT', 'Give one --header.');
  const times = { afterTimeMs: BigInt(since), beforeTimeMs: BigInt(until) };
  const query = { id, key, headerName, headerValue, topic, channel, states: [...state], ...times };
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const { messages, nextPageToken } = await gateway.call(Admin.method.findMessages, {
        ...query,
        pageSize,
        pageToken,
      });
      return { rows: messages, nextPageToken };
    });
    const none = 'No message was found. One that waits in a queue and was never handed out has no record yet.';
    printList(flags, found, { name: 'messages', desc: MessageRecordSchema, columns: RECORDS, none });
  });
}

/** How long the consumer had it. */
function tookOf({ deliverTimeMs, settleTimeMs }: Attempt): string {
  return deliverTimeMs === 0n || settleTimeMs === 0n ? '-' : `${settleTimeMs - deliverTimeMs} ms`;
}

/** Also what `dead show` prints. */
export function showMessage(topic: string, id: string, flags: ShowFlags): Promise<void> {
  const { channel = '', pattern: channelTopic = '' } = flags;
  return withGateway(flags, async (gateway) => {
    const answer = await gateway.call(Admin.method.getMessage, { topic, id, channel, channelTopic });
    if (flags.json === true) return printJson(plain(GetMessageResponseSchema, answer));
    const { message, timelines } = answer;
    printFields([
      ['id', answer.id],
      ['topic', answer.topic],
      ['accepted', timeText(answer.acceptTimeMs)],
      ['key', tame(message?.key ?? '') || '-'],
      ...Object.entries(message?.headers ?? {}).map(([name, value]) => [`header ${name}`, tame(value)] as const),
      ['body', message === undefined ? 'not in the ledger' : `${message.body.length} bytes`],
    ]);
    if (message !== undefined && message.body.length > 0) printLine(`\n${tame(Buffer.from(message.body).toString())}`);
    for (const { record, attempts } of timelines) {
      if (record === undefined) continue;
      const due = record.dueTimeMs === 0n ? '' : `, due ${timeText(record.dueTimeMs)}`;
      const place = record.channel === '' ? 'the topic itself' : `channel ${record.channel}`;
      printLine(`\n${place}: ${wordOf(MessageStateSchema, record.state)}${due}`);
      if (attempts.length > 0) printTable(ATTEMPTS, attempts, '');
    }
  });
}
