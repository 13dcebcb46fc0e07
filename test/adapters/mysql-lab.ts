/** Ledgers and schedules on a real MySQL or MariaDB, as several gateways would have them. */
import { randomBytes } from 'node:crypto';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { onTestFinished } from 'vitest';
import { MysqlConnection } from '../../server/src/adapters/ledger-mysql/connection.js';
import { MysqlLedger } from '../../server/src/adapters/ledger-mysql/ledger.js';
import { MysqlSchedule } from '../../server/src/adapters/ledger-mysql/schedule.js';
import type { ChannelId } from '../../server/src/model/channel.js';
import type { Message } from '../../server/src/model/message.js';
import { readIncoming, seal } from '../../server/src/model/message-codec.js';
import type { Change, Claim, Entry } from '../../server/src/ports/ledger.js';
import type { Logger } from '../../server/src/ports/logger.js';
import type { Waiting } from '../../server/src/ports/schedule.js';

export const TOPIC = 'orders';

export interface Gateway {
  readonly connection: MysqlConnection;
  readonly ledger: MysqlLedger;
  readonly schedule: MysqlSchedule;
}

export class LogLines implements Logger {
  readonly lines: string[] = [];
  debug = (fields: object, message: string) => this.#add(fields, message);
  info = (fields: object, message: string) => this.#add(fields, message);
  warn = (fields: object, message: string) => this.#add(fields, message);
  error = (fields: object, message: string) => this.#add(fields, message);
  #add(fields: object, message: string): void {
    this.lines.push(`${message} ${JSON.stringify(fields)}`);
  }
}

/** A database of its own, which is dropped when the test ends. */
export class MysqlLab {
  readonly database = `waybill_lab_${randomBytes(5).toString('hex')}`;

  constructor(
    readonly url: string,
    private readonly dropsAtEnd = true,
  ) {
    onTestFinished(async () => {
      if (this.dropsAtEnd) await this.query(`DROP DATABASE IF EXISTS ${this.database}`);
    });
  }

  gatewayNotStarted(
    options: {
      user?: string;
      password?: string;
      logger?: Logger;
      connectionLimit?: number;
      maxMessageBytes?: number;
    } = {},
  ): Gateway {
    const { hostname, port, username, password } = new URL(this.url);
    const connection = new MysqlConnection({
      host: hostname,
      port: Number(port || 3306),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: this.database,
      logger: new LogLines(),
      ...options,
    });
    const ledger = new MysqlLedger(connection);
    onTestFinished(() => ledger.stop());
    return { connection, ledger, schedule: new MysqlSchedule(connection) };
  }

  async gateway(options: Parameters<MysqlLab['gatewayNotStarted']>[0] = {}): Promise<Gateway> {
    const gateway = this.gatewayNotStarted(options);
    await gateway.ledger.start();
    return gateway;
  }

  async query<T>(sql: string): Promise<T[]> {
    const connection = await createConnection(this.url);
    try {
      const [rows] = await connection.query<(T & RowDataPacket)[]>(sql);
      return rows;
    } finally {
      await connection.end();
    }
  }

  /** In the lab's own database. */
  rows<T>(table: string, where = 'TRUE'): Promise<T[]> {
    return this.query<T>(`SELECT * FROM ${this.database}.${table} WHERE ${where}`);
  }
}

let nonces = 1_000;

export const nextNonce = (): number => ++nonces;

export function claimOf(channel: ChannelId, id: string, with_: Partial<Claim> = {}): Claim {
  return {
    channel,
    topic: TOPIC,
    id,
    nonce: nextNonce(),
    consumer: 'one',
    acceptedAt: 500,
    deliveredAt: 600,
    ...with_,
  };
}

export function entryOf(claim: Claim, change: Change, with_: Partial<Entry> = {}): Entry {
  return { ...claim, attempt: 1, change, recorded: false, at: 700, ...with_ };
}

/** As a settle by another gateway, or of a message that the ledger holds, looks. */
export function strangerOf(claim: Claim, change: Change, with_: Partial<Entry> = {}): Entry {
  return entryOf(claim, change, { consumer: '', acceptedAt: 0, deliveredAt: 0, recorded: true, ...with_ });
}

export const ACKED: Change = { state: 'acked' };
export const DELIVERED: Change = { state: 'delivered' };

export function messageOf(id: string, topic = TOPIC, acceptedAt = 500): Message {
  const raw = Buffer.concat([
    Buffer.from([0x12, topic.length]),
    Buffer.from(topic),
    Buffer.from([0x1a, 4]),
    Buffer.from('body'),
  ]);
  return seal(readIncoming(raw, 0, raw.length), id, acceptedAt);
}

export function retryOf(id: string, dueAt: number, reason = 'no luck'): Change {
  return { state: 'retry', reason, dueAt, expiresAt: 0, wire: messageOf(id).wire };
}

export function leaseOf(id: string, deadline: number): Change {
  return { state: 'leased', deadline, expiresAt: 0, wire: messageOf(id).wire };
}

export function waitingOf(id: string, dueAt: number | undefined, topic = TOPIC): Waiting {
  return { message: messageOf(id, topic), dueAt };
}

export const range = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, n) => `${name}-${String(n).padStart(6, '0')}`);
