import {
  Admin,
  type DeleteTopicResponse,
  DeleteTopicResponseSchema,
  GetTopicResponseSchema,
  type Topic,
  TopicSchema,
} from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { confirmed } from './ask.js';
import { CHANNEL_COLUMNS } from './channel.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { withGateway } from './gateway-client.js';
import { type OutputFlags, printFields, printJson, printLine, printList, printTable } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import { plain } from './plain.js';
import type { Column } from './table.js';

interface TopicListFlags extends ConnectionFlags, OutputFlags, ListFlags {
  readonly prefix?: string;
}

interface TopicDeleteFlags extends ConnectionFlags, OutputFlags {
  readonly purge?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const COLUMNS: readonly Column<Topic>[] = [
  { title: 'TOPIC', of: ({ name }) => name, cut: true },
  { title: 'CHANNELS', of: ({ channelCount }) => channelCount, right: true },
  { title: 'PARKED', of: ({ parked }) => String(parked), right: true },
];

export function topicCommand(program: Command): void {
  const topic = program.command('topic').description('list, show and delete topics');
  withList(withConnection(topic.command('list')))
    .description('topics that a channel names, or that messages are parked for')
    .option('--prefix <text>', 'only names that begin with this')
    .action(list);
  withConnection(topic.command('show'))
    .description('a topic with its channels')
    .argument('<topic>', 'a topic or a pattern')
    .option('--json', 'answers as JSON')
    .action(show);
  withConnection(topic.command('delete'))
    .description('end the channels of a topic, and cancel what waits for it')
    .argument('<topic>', 'a topic or a pattern')
    .option('--purge', 'also when there are messages: they end')
    .option('--dry-run', 'only says what would be hit')
    .option('-y, --yes', 'does not ask')
    .option('--json', 'answers as JSON')
    .action(remove);
}

function list(flags: TopicListFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const request = { prefix: flags.prefix ?? '', pageSize, pageToken };
      const { topics, nextPageToken } = await gateway.call(Admin.method.listTopics, request);
      return { rows: topics, nextPageToken };
    });
    printList(flags, found, { name: 'topics', desc: TopicSchema, columns: COLUMNS, none: 'There are no topics.' });
  });
}

function show(topic: string, flags: ConnectionFlags & OutputFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const answer = await gateway.call(Admin.method.getTopic, { topic });
    if (flags.json === true) return printJson(plain(GetTopicResponseSchema, answer));
    printFields([
      ['topic', topic],
      ['parked', String(answer.topic?.parked ?? 0)],
    ]);
    printLine('');
    printTable(CHANNEL_COLUMNS, answer.channels, 'It has no channels.');
  });
}

function remove(topic: string, flags: TopicDeleteFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const request = { topic, purge: flags.purge === true };
    const tell = (dryRun: boolean, hit: Awaited<ReturnType<typeof ask>>) => {
      if (flags.json === true) return printJson({ ...plain(DeleteTopicResponseSchema, hit), dryRun });
      printLine(`${dryRun ? 'would hit' : 'deleted'}: ${hitText(hit, !dryRun)}`);
    };
    const ask = (dryRun: boolean) => gateway.call(Admin.method.deleteTopic, { ...request, dryRun });
    if (flags.dryRun === true) return tell(true, await ask(true));
    if (flags.yes !== true) await confirmed(`delete ${topic}: ${hitText(await ask(true), false)}`, false);
    tell(false, await ask(false));
  });
}

/** A dry run knows only what the broker counts. */
function hitText({ channels, purged, cancelled, cronEntries }: DeleteTopicResponse, sure: boolean): string {
  const so = sure ? '' : 'about ';
  const cron = cronEntries === 0 ? '' : `, ${cronEntries} cron entries`;
  return `${channels} channels, ${so}${purged} messages purged, ${so}${cancelled} waiting messages cancelled${cron}`;
}
