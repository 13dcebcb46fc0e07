import type { Message } from './message.js';
import { openMessage } from './message-codec.js';
import { malformed, varintLength, WireReader, writeVarint } from './wire.js';

const TAG_MESSAGE = 0x0a;

/** A frame's bytes: `message Frame { repeated waybill.v1.Message messages = 1; }`. */
export function encodeFrame(messages: readonly Message[]): Buffer {
  let size = 0;
  for (const { wire } of messages) size += 1 + varintLength(wire.length) + wire.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { wire } of messages) {
    bytes[at++] = TAG_MESSAGE;
    at = writeVarint(bytes, at, wire.length);
    bytes.set(wire, at);
    at += wire.length;
  }
  return bytes;
}

/** Throws MALFORMED for bytes that are no frame. The messages share the memory of `bytes`. */
export function decodeFrame(bytes: Buffer): Message[] {
  const reader = new WireReader(bytes, 0, bytes.length);
  const messages: Message[] = [];
  while (!reader.done) {
    if (reader.varint() !== TAG_MESSAGE) throw malformed('a frame holds something else than messages');
    const start = reader.field();
    messages.push(openMessage(bytes.subarray(start, reader.position)));
  }
  if (messages.length === 0) throw malformed('a frame is empty');
  return messages;
}
