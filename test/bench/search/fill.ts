import { toBinary } from '@bufbuild/protobuf';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { STATE_CODE } from '../../../server/src/adapters/ledger-mysql/record.js';
import { HELD_CODE } from '../../../server/src/adapters/ledger-mysql/statements/held.js';
import { AdminClient } from '../../support/admin-client.js';
import type { Subject } from '../watch.js';

export const TOPICS = 10;
export const CHANNELS = ['billing', 'mail'] as const;
/** Every third message has a key, and five of those share it. */
const KEYED = 3;
const SHARING = 5;
/** One of so many is a dead letter, expired or purged; the rest are acked. */
const DEAD = 200;
const EXPIRED = 97;
const PURGED = 89;
const BODY_BYTES = 256;
/** What is kept is of the last four days: younger than what the gateway prunes. */
const SPAN_MS = 96 * 3_600_000;
const CHUNK = 100_000;
const THOUSAND = 1_000;

/** What a filled ledger holds: message `n` of a topic, 0 to `perTopic` - 1, has a record on each channel. */
export interface Filled {
  readonly rows: number;
  readonly perTopic: number;
  readonly seconds: number;
  /** Of the data and of the indexes, as the server counts them. */
  readonly megabytes: number;
  /** When a message ended, Unix milliseconds. */
  settledAt(n: number): number;
}

export function topicName(topic: number): string {
  return `search-${topic}`;
}

export function messageId(topic: number, n: number): string {
  return `0190${topic.toString(16).padStart(4, '0')}-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

/** Of message `n`, if that has one. */
export function keyOf(topic: number, n: number): string {
  return `order-${topic}-${Math.floor(n / (KEYED * SHARING))}`;
}

/** Writes so many records into the ledger's tables, as the gateway would have, by the server itself. */
export async function fill(subject: Subject, wanted: number, say: (line: string) => void): Promise<Filled> {
  const perTopic = Math.max(THOUSAND, Math.round(wanted / TOPICS / CHANNELS.length / THOUSAND) * THOUSAND);
  const rows = perTopic * TOPICS * CHANNELS.length;
  const admin = new AdminClient(subject.url);
  const database = await createConnection(subject.databaseUrl);
  const run = (sql: string) => database.query(sql);
  try {
    for (let topic = 0; topic < TOPICS; topic++) {
      for (const channel of CHANNELS) {
        await admin.call(Admin.method.createChannel, { topic: topicName(topic), channel });
      }
      await run(`INSERT IGNORE INTO topics (name) VALUES ('${topicName(topic)}')`);
    }
    await run(`INSERT IGNORE INTO nodes (name) VALUES ('bench')`);
    await run('CREATE TABLE bench_numbers (n INT UNSIGNED NOT NULL PRIMARY KEY)');
    await run(`INSERT INTO bench_numbers VALUES ${Array.from({ length: THOUSAND }, (_, n) => `(${n})`).join(',')}`);
    const [channels] = await database.query<(Place & RowDataPacket)[]>(
      `SELECT c.id AS channel, t.id AS topic, t.name FROM channels c JOIN topics t ON t.name = c.topic`,
    );
    const began = performance.now();
    const until = Date.now();
    const step = SPAN_MS / perTopic;
    const settledAt = (n: number) => Math.round(until - SPAN_MS + n * step);
    for (let from = 0; from < perTopic; from += CHUNK) {
      const to = Math.min(perTopic, from + CHUNK);
      for (const place of channels) {
        for (const sql of statements({ place, from, to, settled: `(${until - SPAN_MS} + ROUND(n * ${step}))` })) {
          await run(sql);
        }
      }
      const seconds = (performance.now() - began) / 1_000;
      const done = to * TOPICS * CHANNELS.length;
      say(
        `${done.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} records, ${Math.round(done / seconds)}/s`,
      );
    }
    const seconds = (performance.now() - began) / 1_000;
    await run('DROP TABLE bench_numbers');
    await run('ANALYZE TABLE deliveries, terms, schedule, attempts');
    const [[size]] = await database.query<({ readonly megabytes: string } & RowDataPacket)[]>(
      `SELECT SUM(data_length + index_length) / 1048576 AS megabytes FROM information_schema.tables
       WHERE table_schema = DATABASE()`,
    );
    return { rows, perTopic, seconds, megabytes: Number(size?.megabytes ?? 0), settledAt };
  } finally {
    admin.close();
    await database.end();
  }
}

interface Place {
  readonly channel: number;
  readonly topic: number;
  readonly name: string;
}

interface Part {
  readonly place: Place;
  readonly from: number;
  readonly to: number;
  /** The time at which message `n` ended. */
  readonly settled: string;
}

function statements({ place, from, to, settled }: Part): string[] {
  const number = Number(place.name.split('-')[1]);
  const prefix = messageId(number, 0).slice(0, -12);
  const key = `${place.channel}, ${place.topic}, CONCAT('${prefix}', LPAD(n, 12, '0'))`;
  const numbers = `(SELECT ${from} + a.n * ${THOUSAND} + b.n AS n FROM bench_numbers a STRAIGHT_JOIN bench_numbers b
    WHERE a.n < ${(to - from) / THOUSAND} ORDER BY a.n, b.n) x`;
  const state = `CASE WHEN n % ${DEAD} = 0 THEN ${STATE_CODE.dead} WHEN n % ${EXPIRED} = 0 THEN ${STATE_CODE.expired}
    WHEN n % ${PURGED} = 0 THEN ${STATE_CODE.purged} ELSE ${STATE_CODE.acked} END`;
  const wire = toBinary(MessageSchema, {
    $typeName: MessageSchema.typeName,
    ...{ id: '', topic: place.name, body: new Uint8Array(BODY_BYTES), headers: {}, key: '' },
    ...{ delayMs: 0n, dueTimeMs: 0n, ttlMs: 0n, publishTimeMs: 0n },
  });
  return [
    `INSERT INTO deliveries (channel_id, topic_id, message_id, state, attempt, nonce, consumer, accepted_at, delivered_at,
       settled_at, reason, node_id)
     SELECT ${key}, ${state}, 1, n, 'worker', ${settled} - 50, ${settled} - 40, ${settled},
       IF(n % ${DEAD} = 0, 'it cannot be read', NULL), 1 FROM ${numbers}`,
    `INSERT INTO terms (channel_id, topic_id, message_id, name, value, accepted_at)
     SELECT ${key}, '', CONCAT('order-${number}-', n DIV ${KEYED * SHARING}), ${settled} - 50 FROM ${numbers}
     WHERE n % ${KEYED} = 0`,
    `INSERT INTO schedule (channel_id, topic_id, message_id, state, shard, attempt, nonce, accepted_at, expires_at, due_at,
       ready_at, deadline, claim, claim_until, reason, wire)
     SELECT ${key}, ${HELD_CODE.dead}, 0, 1, n, ${settled} - 50, 0, 0, NULL, NULL, '', 0, 'it cannot be read',
       x'${Buffer.from(wire).toString('hex')}' FROM ${numbers} WHERE n % ${DEAD} = 0`,
    `INSERT INTO attempts (channel_id, topic_id, message_id, attempt, nonce, outcome, consumer, delivered_at, settled_at,
       reason, node_id)
     SELECT ${key}, 1, n, ${STATE_CODE.dead}, 'worker', ${settled} - 40, ${settled}, 'it cannot be read', 1
     FROM ${numbers} WHERE n % ${DEAD} = 0`,
  ];
}
