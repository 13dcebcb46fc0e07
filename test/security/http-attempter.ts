import { create, fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import type { Refusal } from '../bad-input/error-info.js';
import type { Attempter, Outcome } from './attempt-client.js';
import type { Attempt } from './attempts.js';

const CALL_MS = 5_000;
/** Of a message in a stream: one byte of flags, four of length. */
const ENVELOPE_BYTES = 5;
const END_OF_STREAM = 2;

/** Attempts by the HTTP port, as Connect with JSON. */
export class HttpAttempter implements Attempter {
  constructor(private readonly url: string) {}

  async make(attempt: Attempt, authorization: string | undefined): Promise<Outcome | undefined> {
    const { method, requests } = attempt;
    if (method.methodKind !== 'unary' && method.methodKind !== 'server_streaming') return undefined;
    const [request = new Uint8Array()] = requests;
    const json = toJsonString(method.input, fromBinary(method.input, request));
    const streams = method.methodKind === 'server_streaming';
    const response = await fetch(`${this.url}/${method.parent.typeName}/${method.name}`, {
      method: 'POST',
      headers: {
        'content-type': streams ? 'application/connect+json' : 'application/json',
        'connect-protocol-version': '1',
        'connect-timeout-ms': String(CALL_MS),
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: streams ? enveloped(json) : json,
    });
    if (streams) return this.#first(attempt, response);
    const text = await response.text();
    return response.ok ? { answer: this.#answer(attempt, text) } : refusalIn(JSON.parse(text));
  }

  /** The first of a stream's answers, or how it ended. */
  async #first(attempt: Attempt, { body }: Response): Promise<Outcome> {
    let bytes = Buffer.alloc(0);
    for await (const chunk of body ?? []) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < ENVELOPE_BYTES || bytes.length < ENVELOPE_BYTES + bytes.readUInt32BE(1)) continue;
      const text = bytes.subarray(ENVELOPE_BYTES, ENVELOPE_BYTES + bytes.readUInt32BE(1)).toString();
      if (((bytes[0] ?? 0) & END_OF_STREAM) === 0) return { answer: this.#answer(attempt, text) };
      return refusalIn(JSON.parse(text).error);
    }
    throw new Error(`the stream of ${attempt.method.name} ended without a word`);
  }

  #answer({ method: { output } }: Attempt, json: string): Buffer {
    return Buffer.from(toBinary(output, create(output, fromJsonString(output, json))));
  }
}

function enveloped(json: string): Buffer<ArrayBuffer> {
  const message = Buffer.from(json);
  const envelope = Buffer.alloc(ENVELOPE_BYTES + message.length);
  envelope.writeUInt32BE(message.length, 1);
  message.copy(envelope, ENVELOPE_BYTES);
  return envelope;
}

interface ConnectError {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly debug?: Pick<Refusal, 'reason' | 'domain' | 'metadata'> }[];
}

function refusalIn({ code, message = '', details = [] }: ConnectError): Refusal {
  const info = details.map(({ debug }) => debug).find((debug) => debug !== undefined);
  return { code: code.toUpperCase(), message, ...(info ?? { reason: '', domain: '', metadata: {} }) };
}
