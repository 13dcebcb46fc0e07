import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { isPattern, matches } from '../model/topic.js';
import { atLeast } from './arguments.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { CommandError } from './failure.js';
import { type GatewayClient, withGateway } from './gateway-client.js';
import { listen } from './listen.js';
import { note, type OutputFlags, printLine } from './output.js';
import { gather } from './pages.js';
import { messageJson } from './print-message.js';
import { tame } from './terminal.js';

interface TailFlags extends ConnectionFlags, OutputFlags {
  readonly count?: number;
  readonly takeParked?: boolean;
}

/** Other gateways know of a consumer for up to 5 s after it went. */
const DELETE_TRIES = 20;
const DELETE_WAIT_MS = 500;
const CREDIT = 100;

export function tailCommand(program: Command): void {
  withConnection(program.command('tail'))
    .description('print messages as they come, on a channel that is gone afterwards; other channels miss nothing')
    .argument('<topic>', 'a topic, or a pattern: orders.*, audit.#')
    .argument('[channel]', 'the name of that channel; it must not exist')
    .option('-n, --count <n>', 'ends after this many messages', atLeast(1))
    .option('--take-parked', 'also where messages wait for a first channel: this takes them')
    .option('--json', 'one JSON object a message')
    .action(tail);
}

function tail(topic: string, channel = `tail-${randomBytes(4).toString('hex')}`, flags: TailFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    await refuseExisting(gateway, topic, channel);
    if (flags.takeParked !== true) await refuseParked(gateway, topic);
    note(await retention(gateway, topic, channel));
    try {
      await print(topic, channel, flags);
    } finally {
      await remove(gateway, topic, channel);
    }
  });
}

/** Taking messages of somebody's channel is not what tail is for. */
async function refuseExisting(gateway: GatewayClient, topic: string, channel: string): Promise<void> {
  const { channels } = await gateway.call(Admin.method.listChannels, { topic, prefix: channel });
  if (!channels.some(({ name }) => name === channel)) return;
  throw new CommandError(
    'FAILED_PRECONDITION',
    `${topic}/${channel} exists, and its messages are for its consumers. Leave the channel out to look on; "waybill sub ${topic} ${channel}" takes them.`,
  );
}

/** A topic's first channel gets what is parked for it: here it would be shown once, and gone. */
async function refuseParked(gateway: GatewayClient, topic: string): Promise<void> {
  const { rows } = await gather({ limit: 1, all: true }, async (pageSize, pageToken) => {
    const { topics, nextPageToken } = await gateway.call(Admin.method.listTopics, { pageSize, pageToken });
    return { rows: topics, nextPageToken };
  });
  const hit = rows.filter(
    ({ name, parked }) => parked > 0n && (isPattern(topic) ? matches(topic, name) : name === topic),
  );
  if (hit.length === 0) return;
  const names = hit.slice(0, 3).map(({ name, parked }) => `${name} (${parked})`);
  throw new CommandError(
    'FAILED_PRECONDITION',
    `Messages wait for a first channel, which tail would be, and it would take them: ${names.join(', ')}. Make their channel first, or add --take-parked.`,
  );
}

/** What looking on does to the messages that are looked at. */
async function retention(gateway: GatewayClient, topic: string, channel: string): Promise<string> {
  const copy = `The channel ${topic}/${channel} gets a copy of every message until this ends; then it is deleted.`;
  const killed = `Killed before that, it goes on keeping them: waybill channel delete '${topic}' ${channel} --purge`;
  return (await hasChannels(gateway, topic))
    ? `${copy}\n${killed}`
    : `${copy}\nThe topic has no other channel: what comes meanwhile is shown here, and not parked for a later one.\n${killed}`;
}

async function hasChannels(gateway: GatewayClient, topic: string): Promise<boolean> {
  try {
    return (await gateway.call(Admin.method.getTopic, { topic })).channels.length > 0;
  } catch (error) {
    if (error instanceof CommandError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

async function print(topic: string, channel: string, flags: TailFlags): Promise<void> {
  await listen({
    flags,
    topic,
    channel,
    count: flags.count,
    options: { concurrency: 1, credit: CREDIT },
    greeting: `listening on ${topic}; Ctrl-C ends it`,
    take(message) {
      printLine(flags.json === true ? messageJson(message) : `${message.topic} ${message.id} ${tame(message.text())}`);
    },
    // Its channel goes, and what is in it.
    surplus() {},
  });
}

async function remove(gateway: GatewayClient, topic: string, channel: string): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await gateway.call(Admin.method.deleteChannel, { topic, channel, purge: true });
      return;
    } catch (error) {
      const code = error instanceof CommandError ? error.code : '';
      if (code === 'NOT_FOUND') return;
      if (code !== 'FAILED_PRECONDITION' || tried === DELETE_TRIES) throw error;
      await delay(DELETE_WAIT_MS);
    }
  }
}
