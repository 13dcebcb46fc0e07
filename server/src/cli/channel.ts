import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Admin,
  type Channel,
  ChannelSchema,
  CreateChannelResponseSchema,
  DeleteChannelResponseSchema,
  GetChannelResponseSchema,
} from '@waybill/proto/waybill/v1/admin';
import type { RetryPolicy, RetryPolicySchema } from '@waybill/proto/waybill/v1/message';
import type { Command } from 'commander';
import { atLeast } from './arguments.js';
import { confirmed } from './ask.js';
import { purge } from './channel-purge.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { withGateway } from './gateway-client.js';
import { ageText, duration, timeText } from './moment.js';
import { type OutputFlags, printFields, printJson, printLine, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import { plain } from './plain.js';
import type { Column } from './table.js';

type Flags = ConnectionFlags & OutputFlags;

interface ChannelListFlags extends Flags, ListFlags {
  readonly prefix?: string;
}

interface CreateFlags extends Flags {
  readonly maxRetries?: number;
  readonly retryDelay?: number;
}

interface DeleteFlags extends Flags {
  readonly purge?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export const CHANNEL_COLUMNS: readonly Column<Channel>[] = [
  { title: 'TOPIC', of: ({ topic }) => topic, cut: true },
  { title: 'CHANNEL', of: ({ name }) => name, cut: true },
  { title: 'STATE', of: ({ paused }) => (paused ? 'paused' : 'active') },
  { title: 'READY', of: readyText, right: true },
  { title: 'IN FLIGHT', of: ({ depth }) => String(depth?.inFlight ?? 0), right: true },
  { title: 'RETRIES', of: ({ depth }) => String(depth?.scheduled ?? 0), right: true },
  { title: 'DEAD', of: ({ depth }) => String(depth?.dead ?? 0), right: true },
  { title: 'OLDEST', of: ({ depth }) => ageText(depth?.oldestAcceptTimeMs ?? 0), right: true },
  { title: 'CONSUMERS', of: ({ consumers }) => consumers, right: true },
];

export function channelCommand(program: Command): void {
  const group = program.command('channel').description('list, make, pause, empty and delete channels');
  const one = (name: string, description: string) =>
    withConnection(group.command(name))
      .description(description)
      .argument('<topic>', 'a topic or a pattern')
      .argument('<channel>')
      .option('--json', 'answers as JSON');
  withList(withConnection(group.command('list')))
    .description('channels with what they hold')
    .argument('[topic]', 'only of exactly this topic or pattern')
    .option('--prefix <text>', 'only names that begin with this')
    .action(list);
  one('show', 'a channel').action(show);
  one('create', 'make a channel, which keeps every message from now on; one that exists gets the retry options')
    .option('--max-retries <n>', 'retries after the first attempt', atLeast(0))
    .option('--retry-delay <duration>', 'from a failure to the next attempt', duration)
    .action(create);
  one('delete', 'end a channel and its queue')
    .option('--purge', 'also when it holds messages: they end')
    .option('--dry-run', 'only says what would be hit')
    .option('-y, --yes', 'does not ask')
    .action(remove);
  one('pause', 'hand nothing out until it is resumed').action(pause);
  one('resume', 'hand messages out again').action(resume);
  one('purge', 'end messages of a channel, without delivery')
    .option('--ready', 'what waits for a consumer; this is meant where neither is given')
    .option('--scheduled', 'retries that wait for their time')
    .option('--dry-run', 'only says what would be hit')
    .option('-y, --yes', 'does not ask')
    .action(purge);
}

function list(topic: string | undefined, flags: ChannelListFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const request = { topic: topic ?? '', prefix: flags.prefix ?? '', pageSize, pageToken };
      const { channels, nextPageToken } = await gateway.call(Admin.method.listChannels, request);
      return { rows: channels, nextPageToken };
    });
    const none = 'There are no channels.';
    printList(flags, found, { name: 'channels', desc: ChannelSchema, columns: CHANNEL_COLUMNS, none });
  });
}

function show(topic: string, channel: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const answer = await gateway.call(Admin.method.getChannel, { topic, channel });
    if (flags.json === true) return printJson(plain(GetChannelResponseSchema, answer));
    const { channel: found } = answer;
    if (found === undefined) return;
    printFields([
      ...CHANNEL_COLUMNS.map(({ title, of }) => [title.toLowerCase(), of(found)] as const),
      ['since', timeText(found.createTimeMs)],
      ['retry', retryText(found.retry)],
    ]);
  });
}

function create(topic: string, channel: string, flags: CreateFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const retry = retryOf(flags);
    const answer = await gateway.call(Admin.method.createChannel, { topic, channel, ...(retry && { retry }) });
    if (flags.json === true) printJson(plain(CreateChannelResponseSchema, answer));
    else printLine(`${topic}/${channel} keeps messages`);
  });
}

function remove(topic: string, channel: string, flags: DeleteFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const call = (dryRun: boolean) =>
      gateway.call(Admin.method.deleteChannel, { topic, channel, purge: flags.purge === true, dryRun });
    if (flags.dryRun !== true && flags.yes !== true) {
      await confirmed(`delete ${topic}/${channel} with about ${(await call(true)).purged} messages`, false);
    }
    const dryRun = flags.dryRun === true;
    const answer = await call(dryRun);
    if (flags.json === true) return printJson({ ...plain(DeleteChannelResponseSchema, answer), dryRun });
    printLine(`${dryRun ? 'would delete' : 'deleted'} ${topic}/${channel} with ${answer.purged} messages`);
  });
}

function pause(topic: string, channel: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    await gateway.call(Admin.method.pauseChannel, { topic, channel });
    if (flags.json === true) printJson({ topic, channel, paused: true });
    else printLine(`${topic}/${channel} is paused; other gateways follow within 5 s`);
  });
}

function resume(topic: string, channel: string, flags: Flags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    await gateway.call(Admin.method.resumeChannel, { topic, channel });
    if (flags.json === true) printJson({ topic, channel, paused: false });
    else printLine(`${topic}/${channel} is active; other gateways follow within 5 s`);
  });
}

function retryOf({ maxRetries, retryDelay }: CreateFlags): MessageInitShape<typeof RetryPolicySchema> | undefined {
  if (maxRetries === undefined && retryDelay === undefined) return undefined;
  return {
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(retryDelay === undefined ? {} : { backoff: { case: 'fixed', value: { delayMs: BigInt(retryDelay) } } }),
  };
}

/** `~` before an estimate; `?` while the broker is away. */
function readyText({ depth }: Channel): string {
  if (depth?.ready === undefined) return '?';
  return `${depth.readyApproximate ? '~' : ''}${depth.ready}`;
}

function retryText(retry: RetryPolicy | undefined): string {
  if (retry === undefined) return "the config's";
  const times = retry.maxRetries === undefined ? "the config's times" : `${retry.maxRetries} times`;
  const { backoff } = retry;
  if (backoff.case === 'fixed') return `${times}, ${backoff.value.delayMs} ms apart`;
  return backoff.case === 'exponential' ? `${times}, from ${backoff.value.initialMs} ms on` : times;
}
