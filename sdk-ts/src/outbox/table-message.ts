import { type Cells, count } from './handles/handle.js';
import { bodyOf, headersOf } from './relay-store.js';

/** A message read straight from the outbox table. */
export interface TableMessage {
  readonly id: string;
  readonly topic: string;
  /** What it is about; empty when its writer gave none. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** When it was written, by the database's clock. */
  readonly writtenAt: Date;
  /** The time before which its writer did not want it delivered. A table consumer gets it all the same. */
  readonly dueAt: Date | undefined;
  /** The body as UTF-8 text. */
  text(): string;
  /** The body as JSON; throws SyntaxError when it is none. The type is yours to vouch for. */
  json<T = unknown>(): T;
}

/** A row's place in the order in which rows were numbered after their commit. */
export interface Place {
  readonly generation: number;
  readonly seq: number;
}

export interface PlacedMessage {
  readonly place: Place;
  readonly message: TableMessage;
}

export function placedMessage(row: Cells): PlacedMessage {
  const body = bodyOf(row.body);
  const dueMs = count(row.due_ms);
  const text = () => Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  return {
    place: { generation: count(row.generation), seq: count(row.seq) },
    message: {
      id: String(row.id),
      topic: String(row.topic),
      key: String(row.message_key),
      headers: headersOf(row.headers) ?? {},
      body,
      writtenAt: new Date(count(row.created_ms)),
      dueAt: dueMs === 0 ? undefined : new Date(dueMs),
      text,
      json: () => JSON.parse(text()),
    },
  };
}
