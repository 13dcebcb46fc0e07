import { fromBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { attemptNumber } from '../model/attempt.js';
import type { Message } from '../model/message.js';
import type { Logger } from '../ports/logger.js';
import type { Accepted, Delivered, End, Watch } from '../ports/telemetry.js';
import { traceOf } from './journal.js';

/** Of a body. */
const MAX_PAYLOAD_BYTES = 1_024;

/** With `Debug`, a line for every message on its way; what is in it only with `DebugPayloads`. */
export class MessageLog implements Watch {
  constructor(
    private readonly logger: Logger,
    private readonly payloads: boolean,
  ) {}

  call(): undefined {}

  accepting(messages: readonly (Message | undefined)[]): End<readonly Accepted[]> {
    // What was answered before the broker is taken out of the list, so it is remembered as it was.
    const before = [...messages];
    return (results) => {
      before.forEach((message, i) => {
        const { outcome, error } = results[i] ?? {};
        if (message === undefined) return;
        this.logger.debug({ ...this.#fieldsOf(message), outcome: outcome ?? error?.reason }, 'a message came');
      });
    };
  }

  sending(): undefined {}

  delivered(deliveries: readonly Delivered[]): void {
    for (const { message, channel, attempt, consumer } of deliveries) {
      const fields = { channel: channel.name, attempt: attemptNumber(attempt), consumer };
      this.logger.debug({ ...this.#fieldsOf(message), ...fields }, 'a message was handed out');
    }
  }

  settling(kind: string, deliveries: readonly Pick<Delivered, 'nonce'>[]): End<readonly string[] | undefined> {
    return (outcomes) => {
      const ok = outcomes?.filter((outcome) => outcome === 'ok').length ?? 0;
      this.logger.debug({ kind, count: deliveries.length, ok }, 'messages were settled');
    };
  }

  #fieldsOf({ id, topic, key, wire }: Message): object {
    const fields = { id, topic, bytes: wire.length, ...traceOf(wire) };
    return this.payloads ? { ...fields, key, ...payloadOf(wire) } : fields;
  }
}

function payloadOf(wire: Uint8Array): object {
  const { body, headers } = fromBinary(MessageSchema, wire);
  const part = body.subarray(0, MAX_PAYLOAD_BYTES);
  return { headers, body: textOf(part) ?? Buffer.from(part).toString('base64') };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
