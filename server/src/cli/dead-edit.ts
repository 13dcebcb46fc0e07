import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Admin, DeadLetterSchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { header } from './arguments.js';
import { confirmed } from './ask.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { CommandError } from './failure.js';
import { withGateway } from './gateway-client.js';
import { type OutputFlags, printJson, printLine } from './output.js';
import { plain } from './plain.js';

interface EditFlags extends ConnectionFlags, OutputFlags {
  readonly channel: string;
  readonly pattern?: string;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly removeHeader?: readonly string[];
  readonly yes?: boolean;
}

export function deadEditCommand(group: Command): void {
  withConnection(group.command('edit'))
    .description('change the body or headers of a dead letter, before it is redriven')
    .argument('<topic>')
    .argument('<id>')
    .requiredOption('--channel <channel>', 'the channel on which it died')
    .option('--pattern <pattern>', "that channel's pattern, where it is not the topic")
    .option('--body <text>', 'its new body')
    .option('--body-file <file>', 'its new body, from a file; "-": standard input')
    .option('-H, --header <name=value>', 'a header that is added or replaced; may be given many times', header)
    .option(
      '--remove-header <name>',
      'a header that is removed; may be given many times',
      (name, before: string[] = []) => [...before, name],
    )
    .option('-y, --yes', 'does not ask')
    .option('--json', 'answers as JSON')
    .action(edit);
}

async function edit(topic: string, id: string, flags: EditFlags): Promise<void> {
  const { channel, pattern: channelTopic = '', header: setHeaders = {}, removeHeader: removeHeaders = [] } = flags;
  const body = await bodyOf(flags);
  const changes = {
    ...(body === undefined ? {} : { body }),
    setHeaders: { ...setHeaders },
    removeHeaders: [...removeHeaders],
  };
  if (body === undefined && Object.keys(setHeaders).length + removeHeaders.length === 0) {
    throw new CommandError('INVALID_ARGUMENT', 'Say what: --body, --body-file, --header or --remove-header.');
  }
  await withGateway(flags, async (gateway) => {
    await confirmed(`change the dead letter ${id} of ${topic} on the channel ${channel}, for good`, flags.yes);
    const { dead } = await gateway.call(Admin.method.editDead, { topic, id, channel, channelTopic, ...changes });
    if (dead === undefined) throw new Error('the gateway answered without a dead letter');
    if (flags.json === true) printJson(plain(DeadLetterSchema, dead));
    else printLine(`changed ${id}: a body of ${dead.bodyBytes} bytes`);
  });
}

async function bodyOf({ body, bodyFile }: EditFlags): Promise<Buffer | undefined> {
  if (body !== undefined && bodyFile !== undefined) {
    throw new CommandError('INVALID_ARGUMENT', 'Give --body or --body-file, one of them.');
  }
  if (bodyFile === '-') return buffer(process.stdin);
  if (bodyFile !== undefined) return readFileSync(bodyFile);
  return body === undefined ? undefined : Buffer.from(body);
}
