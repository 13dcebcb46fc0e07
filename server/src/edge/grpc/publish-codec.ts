import { BusError } from '../../model/errors.js';
import { type Incoming, readIncoming } from '../../model/message-codec.js';
import { WireReader } from '../../model/wire.js';

/** `PublishRequest` and `PublishStreamRequest` as the core takes them. */
export interface PublishInput {
  /** 0 for the unary call. */
  readonly sequence: bigint;
  readonly messages: readonly Incoming[];
  /** What made the bytes unreadable; the call answers it as its error. */
  readonly fault: BusError | undefined;
}

/**
 * Reads both requests by hand: their messages stay encoded (see model/message.ts), which the generic reader cannot do.
 * Never throws, since a reader that throws ends the call with a status that is not ours.
 */
export function readPublishRequest(bytes: Buffer): PublishInput {
  return read(bytes, Number.NaN, 0x0a);
}

export function readPublishStreamRequest(bytes: Buffer): PublishInput {
  return read(bytes, 0x08, 0x12);
}

function read(bytes: Buffer, sequenceTag: number, messagesTag: number): PublishInput {
  const reader = new WireReader(bytes, 0, bytes.length);
  const messages: Incoming[] = [];
  let sequence = 0n;
  try {
    while (!reader.done) {
      const tag = reader.varint();
      if (tag === sequenceTag) {
        sequence = reader.int64();
      } else if (tag === messagesTag) {
        const start = reader.field();
        messages.push(readIncoming(bytes, start, reader.position));
      } else {
        reader.skip(tag);
      }
    }
    return { sequence, messages, fault: undefined };
  } catch (error) {
    return { sequence, messages: [], fault: BusError.from(error) };
  }
}
