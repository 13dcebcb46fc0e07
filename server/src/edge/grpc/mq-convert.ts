import { isUtf8 } from 'node:buffer';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { BusError } from '../../model/errors.js';
import { MAX_DELAY_MS, type Message } from '../../model/message.js';
import { type Incoming, readIncoming } from '../../model/message-codec.js';
import { checkTopic } from '../../model/topic.js';

/** What all four ways to publish say. */
export interface MqPublish {
  /** A queue, or a topic. */
  readonly name: string;
  /** What the request calls it. */
  readonly nameField: 'queue' | 'topic';
  readonly data: string;
  readonly delaySeconds: bigint;
  readonly expirationSeconds: bigint;
}

const MAX_SECONDS = MAX_DELAY_MS / 1000;
/** Id, name and framing beside the data in the answer to a subscribe, whose size the client limits as we limit requests. */
const ANSWER_BYTES = 256;

/** A message for the core, checked. */
export function toIncoming(publish: MqPublish, maxBodyBytes: number): Incoming {
  const { name, nameField, data } = publish;
  if (name === '' || data === '') {
    throw new BusError('QUEUE_OR_DATA_EMPTY', "queue and data can't empty", {
      field: name === '' ? nameField : 'data',
    });
  }
  checkTopic(name, nameField);
  const body = Buffer.from(data);
  if (body.length > maxBodyBytes - ANSWER_BYTES) {
    const limit = `up to ${maxBodyBytes - ANSWER_BYTES} bytes (config MaxMessageBytes, less ${ANSWER_BYTES})`;
    throw new BusError('BODY_TOO_LARGE', `data takes ${limit}: it has ${body.length} bytes`, { field: 'data', limit });
  }
  const delay = seconds(publish.delaySeconds, 'DELAY_INVALID', 'delaySeconds', MAX_SECONDS);
  const expiration = seconds(
    publish.expirationSeconds,
    'TTL_INVALID',
    'ExpirationSeconds',
    MAX_SECONDS - delay,
    delay === 0 ? '' : ' with the delay',
  );
  const message = create(MessageSchema, {
    topic: name,
    body,
    delayMs: BigInt(delay * 1000),
    // The original counts from when the message comes to its queue, the core from its acceptance.
    ttlMs: BigInt(expiration === 0 ? 0 : (delay + expiration) * 1000),
  });
  const bytes = Buffer.from(toBinary(MessageSchema, message));
  return readIncoming(bytes, 0, bytes.length);
}

/** The body as a protobuf string; undefined where it is none, as applications of `waybill.v1` may send it. */
export function toData(message: Message): string | undefined {
  const { body } = fromBinary(MessageSchema, message.wire);
  return isUtf8(body) ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8') : undefined;
}

function seconds(value: bigint, reason: 'DELAY_INVALID' | 'TTL_INVALID', field: string, max: number, together = '') {
  if (value <= BigInt(max)) return Number(value);
  const limit = `0 to ${MAX_SECONDS} seconds (10 years)${together}`;
  throw new BusError(reason, `${field} takes ${limit}: it is ${value}`, { field, limit });
}
