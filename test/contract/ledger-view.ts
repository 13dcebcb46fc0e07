/** A look into an engine's own tables, for what no client can see. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { DatabaseSync } from '@photostructure/sqlite';
import { type Message, MessageSchema } from '@waybill/proto/waybill/v1/message';
import { createConnection } from 'mysql2/promise';
import type { Gateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';

export interface LedgerView {
  /** The record of a message on every channel that has one. */
  records(topic: string, id: string): Promise<LedgerRecord[]>;
  /** The dead letters of a topic, bodies and all. */
  deadLetters(topic: string): Promise<Message[]>;
}

export interface LedgerRecord {
  readonly state: string;
  readonly attempt: number;
}

const RECORDS = `SELECT d.state, d.attempt FROM deliveries d JOIN topics t ON t.id = d.topic_id
  WHERE t.name = ? AND d.message_id = ?`;
const HELD = 'SELECT s.wire FROM schedule s JOIN topics t ON t.id = s.topic_id WHERE t.name = ? AND s.state = ?';

/** The gateway alone may open its file, so a copy is looked at; nothing is committed while a test looks. */
export function embeddedLedger(gateway: Gateway): LedgerView {
  const query = <Row>(read: (database: InstanceType<typeof DatabaseSync>) => Row[]): Row[] => {
    const folder = tempFolder('ledger-copy');
    try {
      for (const file of ['waybill.db', 'waybill.db-wal']) {
        const from = join(gateway.folder, file);
        if (existsSync(from)) copyFileSync(from, join(folder.path, file));
      }
      const database = new DatabaseSync(join(folder.path, 'waybill.db'));
      try {
        return read(database);
      } finally {
        database.close();
      }
    } finally {
      folder.remove();
    }
  };
  return {
    async records(topic, id) {
      return query((database) => database.prepare(RECORDS).all(topic, id).map(toRecord));
    },
    async deadLetters(topic) {
      return query((database) => database.prepare(HELD).all(topic, 'dead').map(toMessage));
    },
  };
}

/** As the MySQL ledger numbers its states. */
const STATES = ['', 'delivered', 'returned', 'retry', 'leased', 'acked', 'dead', 'expired', 'cancelled', 'purged'];
const HELD_DEAD = 5;

export function mysqlLedger(url: string): LedgerView {
  const query = async (sql: string, values: readonly (string | number)[]): Promise<object[]> => {
    const connection = await createConnection(url);
    try {
      const [rows] = await connection.query(sql, [...values]);
      return Array.isArray(rows) ? rows : [];
    } finally {
      await connection.end();
    }
  };
  return {
    async records(topic, id) {
      return (await query(RECORDS, [topic, id])).map(toRecord);
    },
    async deadLetters(topic) {
      return (await query(HELD, [topic, HELD_DEAD])).map(toMessage);
    },
  };
}

function toRecord(row: unknown): LedgerRecord {
  const { state, attempt } = fields(row);
  return { state: typeof state === 'number' ? (STATES[state] ?? `${state}`) : String(state), attempt: Number(attempt) };
}

function toMessage(row: unknown): Message {
  const { wire } = fields(row);
  if (!(wire instanceof Uint8Array)) throw new Error('a row of the schedule has no wire');
  return fromBinary(MessageSchema, wire);
}

function fields(row: unknown): { readonly [column: string]: unknown } {
  if (typeof row !== 'object' || row === null) throw new Error('a query answered no row');
  return { ...row };
}
