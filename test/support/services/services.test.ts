import { type Channel, connect } from 'amqplib';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { sharedServices, startMariadb, startRabbit, startRedis } from '../services.js';

test('the shared broker takes a quorum queue and confirms a message', async () => {
  const connection = await connect(sharedServices().rabbitmq);
  onTestFinished(() => connection.close());
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue('services-test', {
    durable: true,
    arguments: { 'x-queue-type': 'quorum' },
  });
  channel.sendToQueue(queue, Buffer.from('hello'), { persistent: true });
  await channel.waitForConfirms();
  const message = await channel.get(queue, { noAck: true });
  expect(message).toMatchObject({ content: Buffer.from('hello') });
  await channel.deleteQueue(queue);
});

test('the shared database commits to disk, and lets a test make a database of its own', async () => {
  const connection = await createConnection(sharedServices().mysql);
  onTestFinished(() => connection.end());
  const [rows] = await connection.query('SELECT @@innodb_flush_log_at_trx_commit AS flush');
  expect(rows).toEqual([{ flush: 1 }]);
  await connection.query('CREATE DATABASE services_test');
  await connection.query('DROP DATABASE services_test');
});

test('the shared Redis answers', async () => {
  const redis = new Redis(sharedServices().redis);
  onTestFinished(() => redis.disconnect());
  expect(await redis.ping()).toBe('PONG');
});

test('a private broker keeps its URL and its queues over a SIGKILL', async () => {
  const rabbit = await startRabbit();
  await withChannel(rabbit.url, (channel) => channel.assertQueue('kept', { durable: true }));
  // RabbitMQ 3.10 answers some declarations before they are on the disk (5 of 72 were gone after a kill at once).
  // This is about our folder and our restart, so the kill waits for its log.
  await rabbit.ctl('eval', 'mnesia:dump_log().');
  const firstPid = rabbit.pid;
  await rabbit.kill();
  await expect(connect(rabbit.url)).rejects.toThrow('ECONNREFUSED');
  await rabbit.start();
  expect(rabbit.pid).not.toBe(firstPid);
  await withChannel(rabbit.url, (channel) => channel.checkQueue('kept'));
  expect(await rabbit.ctl('list_queues', '--quiet', 'name')).toContain('kept');
}, 120_000);

test('a private database keeps what was committed over a SIGKILL, and an orderly stop', async () => {
  const mariadb = await startMariadb();
  await query(mariadb.url, 'CREATE DATABASE kept');
  await mariadb.kill();
  await mariadb.start();
  await mariadb.stop();
  expect(mariadb.pid).toBeUndefined();
  await mariadb.start();
  expect(await query(mariadb.url, "SHOW DATABASES LIKE 'kept'")).toHaveLength(1);
});

test('a paused Redis answers after it is resumed', async () => {
  const service = await startRedis();
  const redis = new Redis(service.url);
  onTestFinished(() => redis.disconnect());
  await redis.ping();
  await service.pause();
  let answered = false;
  const pong = redis.ping().then((text) => {
    answered = true;
    return text;
  });
  await expect(probeOnce(service.url)).rejects.toThrow();
  expect(answered).toBe(false);
  await service.resume();
  expect(await pong).toBe('PONG');
});

async function withChannel(url: string, work: (channel: Channel) => Promise<unknown>) {
  const connection = await connect(url);
  try {
    await work(await connection.createChannel());
  } finally {
    await connection.close();
  }
}

async function query(url: string, sql: string): Promise<unknown> {
  const connection = await createConnection(url);
  try {
    return (await connection.query(sql))[0];
  } finally {
    await connection.end();
  }
}

/** A fresh client: it gets a TCP connection from the kernel, and no answer. */
async function probeOnce(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, commandTimeout: 300, retryStrategy: () => null });
  client.on('error', () => {}); // The command rejects with it.
  try {
    await client.ping();
  } finally {
    client.disconnect();
  }
}
