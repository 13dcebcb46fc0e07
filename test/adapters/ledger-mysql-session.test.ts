import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { inTransaction } from '../../server/src/adapters/ledger-mysql/session.js';
import { textLiteral } from '../../server/src/adapters/ledger-mysql/statements/literals.js';
import { HOSTILE_TEXTS } from '../bad-input/bad-admin-calls.js';
import { sharedServices } from '../support/services.js';
import { claimOf, entryOf, LogLines, MysqlLab, retryOf, TOPIC } from './mysql-lab.js';

const url = sharedServices().mysql;
const fenceSql = (name: string) => `INSERT INTO fences (name, fence) VALUES (${textLiteral(name, 64)}, 1)`;

/** One connection, so that each piece of work has the one that the piece before left. */
async function opened() {
  const lab = new MysqlLab(url);
  return { lab, ...(await lab.gateway({ connectionLimit: 1 })) };
}

test('of statements that travel together, one that fails stops the rest, undoes all, and leaves the connection clean', async () => {
  const { lab, connection } = await opened();
  const work = inTransaction(async (session) => {
    await session.later(fenceSql('first'));
    await session.later(fenceSql('first'));
    await session.later(fenceSql('last'));
    return session.rows('SELECT 7 AS seven');
  });
  await expect(connection.once(work)).rejects.toMatchObject({ errno: 1062 });
  // By itself committed, as another connection sees: no transaction is open.
  await connection.once((session) => session.run(fenceSql('after')));
  const made = await lab.rows<{ name: string }>('fences', `name IN ('first', 'last', 'after')`);
  expect(made.map(({ name }) => name)).toEqual(['after']);
});

test('what waits to be sent when the work fails by itself is not sent with the next work', async () => {
  const { lab, connection } = await opened();
  const work = inTransaction(async (session) => {
    await session.later(fenceSql('never'));
    throw new Error('a fault of ours');
  });
  await expect(connection.once(work)).rejects.toThrow('a fault of ours');
  await connection.once(inTransaction((session) => session.run(fenceSql('next'))));
  expect((await lab.rows<{ name: string }>('fences', `name IN ('never', 'next')`)).map(({ name }) => name)).toEqual([
    'next',
  ]);
});

test('answers are those of the statement that was waited for, whatever went before it', async () => {
  const { connection } = await opened();
  const answers = await connection.once(
    inTransaction(async (session) => {
      await session.later('SELECT 1 AS one');
      await session.later(fenceSql('a'));
      const rows = await session.rows('SELECT name FROM fences WHERE name = "a"');
      await session.later('SELECT 2 AS two');
      const { affectedRows } = await session.run(`UPDATE fences SET fence = 5 WHERE name IN ('a', 'due')`);
      return [rows, affectedRows];
    }),
  );
  expect(answers).toEqual([[{ name: 'a' }], 2]);
});

test('texts that would end a literal or a statement are stored as they are', async () => {
  const { lab, ledger } = await opened();
  const { id: channel } = await ledger.channel(TOPIC, 'billing');
  const texts = HOSTILE_TEXTS.filter((text) => text !== '\ud800');
  const consumer = `c\\'; COMMIT; --`;
  const entries = texts.map((text, i) =>
    entryOf(claimOf(channel, `m${i}'\\`, { consumer }), retryOf(`m${i}`, 900, text)),
  );
  expect(await ledger.write(entries)).toEqual(texts.map(() => 'ok'));
  const stored = await lab.rows<{ message_id: string; reason: string; consumer: string }>('deliveries');
  const reasons = new Map(stored.map(({ message_id, reason }) => [message_id, reason]));
  expect(texts.map((_, i) => reasons.get(`m${i}'\\`))).toEqual(texts);
  expect(new Set(stored.map((row) => row.consumer))).toEqual(new Set([consumer]));
});

test('a server that cannot keep the largest message is warned of, once it is connected to', async () => {
  const warned = async (maxMessageBytes: number) => {
    const logger = new LogLines();
    await new MysqlLab(url).gateway({ logger, maxMessageBytes });
    return logger.lines.some((line) => line.includes('max_allowed_packet'));
  };
  expect(await warned(1_024)).toBe(false);
  // Above the largest packet that there is.
  expect(await warned(2 ** 30)).toBe(true);
});

/** What is reachable, in bytes. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  return process.memoryUsage().heapUsed;
}

test('a gateway with all its connections open keeps little for each', async () => {
  const connectionLimit = 20;
  const { connection } = await new MysqlLab(url).gateway({ connectionLimit });
  const all = () =>
    Promise.all(
      Array.from({ length: connectionLimit }, () => connection.once((session) => session.rows('SELECT SLEEP(0.2)'))),
    );
  const before = heapInUse();
  await all();
  const grown = heapInUse() - before;
  expect(connection.connections().open).toBe(connectionLimit);
  expect(grown / connectionLimit).toBeLessThan(200_000);
});
