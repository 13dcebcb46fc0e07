import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { SETTINGS } from '../../server/src/config/schema.js';
import { tempFolder } from '../support/reaper.js';
import type { ServiceUrls } from '../support/services/service.js';
import { BODY_BYTES, CONCURRENCY, UNARY_WINDOW, WINDOW } from './comparisons.js';
import { quantile } from './figures.js';
import type { Options } from './options.js';

const LIBRARIES = ['amqplib', 'bullmq', 'ioredis', 'mysql2', '@grpc/grpc-js', '@photostructure/sqlite'];

/** Everything that the figures depend on, a line each. */
export async function conditions(urls: ServiceUrls, loadAtStart: number): Promise<string[]> {
  const [cpu] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return [
    `machine    ${cpus().length} cores (${cpu?.model.trim()}), ${gigabytes} GiB, Linux ${release()}; load average ${loadAtStart.toFixed(1)} at start`,
    `disk       an fsync of 4 KiB in the temp folder took ${fsyncMs().toFixed(2)} ms (median of 50)`,
    `software   Node ${process.version}, ${LIBRARIES.map((name) => `${name} ${versionOf(name)}`).join(', ')}`,
    `RabbitMQ   ${await rabbit(urls.rabbitmq)}, quorum queues (they fsync before the confirm), one node`,
    `MySQL      ${await mysql(urls.mysql)}`,
    `Redis      ${await redis(urls.redis)}`,
  ];
}

/** The same of the comparisons. */
export function terms({ rounds, messages }: Options): string[] {
  return [
    `messages   ${BODY_BYTES} bytes, persistent; ${WINDOW} publishes under way (unary: ${UNARY_WINDOW}), consumers hold ${WINDOW}; with BullMQ ${CONCURRENCY} handlers`,
    `frames     up to ${SETTINGS.FrameMaxMessages.default} messages; 1 where frames are off`,
    `rounds     ${rounds}, ours and the peer's in turn, after a warm-up; ${messages} messages each, less where it is slow; median (min–max)`,
  ];
}

/** Whether somebody else takes so much of the machine that the figures say little. */
export function isBusy(loadAtStart: number): boolean {
  return loadAtStart > cpus().length / 2;
}

function fsyncMs(): number {
  const folder = tempFolder('bench');
  const file = openSync(join(folder.path, 'fsync'), 'w');
  const block = Buffer.alloc(4_096, 'A');
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    writeSync(file, block);
    fsyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  folder.remove();
  return quantile(
    times.sort((a, b) => a - b),
    0.5,
  );
}

function versionOf(library: string): string {
  const file = new URL(`../../node_modules/${library}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

async function rabbit(url: string): Promise<string> {
  const connection = await connect(url);
  const { version } = connection.connection.serverProperties;
  await connection.close();
  return version;
}

async function mysql(url: string): Promise<string> {
  const connection = await createConnection(url);
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS innodb_flush_log_at_trx_commit, @@log_bin AS log_bin, @@sync_binlog AS sync_binlog',
  );
  await connection.end();
  return Object.entries(rows[0] ?? {})
    .map(([name, value]) => (name === 'version' ? value : `${name} ${value}`))
    .join(', ');
}

async function redis(url: string): Promise<string> {
  const client = new Redis(url);
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1];
  const [, save = ''] = await client.call('CONFIG', 'GET', 'save').then(texts);
  const [, append = ''] = await client.call('CONFIG', 'GET', 'appendonly').then(texts);
  client.disconnect();
  return `${version}, save "${save}", appendonly ${append}`;
}

function texts(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}
