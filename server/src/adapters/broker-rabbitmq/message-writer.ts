import type { Message } from '../../model/message.js';
import { checkTopic } from '../../model/topic.js';
import { varintLength, writeVarint } from '../../model/wire.js';

const TAG = { id: 0x0a, topic: 0x12, body: 0x1a, header: 0x22, key: 0x2a, ttl: 0x40, publishTime: 0x48 } as const;

/** Builds a sealed message out of its parts: headers are added one by one, then `end` copies everything once. */
export class MessageWriter {
  readonly #headers: string[] = [];
  #headersLength = 0;

  constructor(
    readonly id: string,
    readonly topic: string,
    readonly body: Buffer,
    readonly key: string,
    readonly acceptedAt: number,
    readonly ttl: number,
  ) {}

  header(name: string, value: string): void {
    this.#headers.push(name, value);
    this.#headersLength += fieldLength(entryLength(name, value));
  }

  end(): Message {
    const { id, topic, body, key, acceptedAt, ttl } = this;
    const keyLength = Buffer.byteLength(key);
    const wire = Buffer.allocUnsafe(
      fieldLength(id.length) +
        fieldLength(topic.length) +
        (body.length === 0 ? 0 : fieldLength(body.length)) +
        this.#headersLength +
        (keyLength === 0 ? 0 : fieldLength(keyLength)) +
        (ttl === 0 ? 0 : 1 + varintLength(ttl)) +
        1 +
        varintLength(acceptedAt),
    );
    let at = writeText(wire, 0, TAG.id, id);
    at = writeText(wire, at, TAG.topic, topic);
    if (body.length > 0) {
      at = writeHead(wire, at, TAG.body, body.length);
      at += body.copy(wire, at);
    }
    for (let index = 0; index < this.#headers.length; index += 2) {
      const name = this.#headers[index] ?? '';
      const value = this.#headers[index + 1] ?? '';
      at = writeHead(wire, at, TAG.header, entryLength(name, value));
      at = writeText(wire, at, TAG.id, name);
      at = writeText(wire, at, TAG.topic, value);
    }
    if (keyLength > 0) at = writeText(wire, at, TAG.key, key);
    if (ttl > 0) {
      wire[at++] = TAG.ttl;
      at = writeVarint(wire, at, ttl);
    }
    wire[at++] = TAG.publishTime;
    writeVarint(wire, at, acceptedAt);
    return { id, topic, key, acceptedAt, expiresAt: ttl === 0 ? 0 : acceptedAt + ttl, wire };
  }
}

export function isTopic(text: string): boolean {
  try {
    checkTopic(text, 'topic');
    return true;
  } catch {
    return false;
  }
}

function fieldLength(length: number): number {
  return 1 + varintLength(length) + length;
}

/** Of a map's entry: name and value are its fields 1 and 2. */
function entryLength(name: string, value: string): number {
  return fieldLength(Buffer.byteLength(name)) + fieldLength(Buffer.byteLength(value));
}

function writeHead(target: Buffer, at: number, tag: number, length: number): number {
  target[at] = tag;
  return writeVarint(target, at + 1, length);
}

function writeText(target: Buffer, at: number, tag: number, text: string): number {
  const start = writeHead(target, at, tag, Buffer.byteLength(text));
  return start + target.write(text, start, 'utf8');
}
