import { jsonText } from '../body.js';

const JSON_HEADERS: Readonly<Record<string, string>> = { 'content-type': 'application/json' };
const NO_HEADERS: Readonly<Record<string, string>> = {};

/** A message as it was published, one for all channels. Its body is made when somebody asks for it: most handlers want the payload. */
export class StoredMessage {
  #text: string | undefined;
  #body: Uint8Array | undefined;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(
    readonly topic: string,
    readonly id: string,
    readonly key: string,
    /** What was published, and not a copy of it. */
    readonly payload: unknown,
    headers: Readonly<Record<string, string>> | undefined,
    /** Unix milliseconds. */
    readonly publishedAt: number,
    /** Unix milliseconds; 0 means never. */
    readonly expiresAt: number,
  ) {
    this.#headers = headers;
  }

  get headers(): Readonly<Record<string, string>> {
    if (typeof this.payload === 'string' || this.payload instanceof Uint8Array) return this.#headers ?? NO_HEADERS;
    if (this.#headers === undefined) return JSON_HEADERS;
    const given = Object.keys(this.#headers).some((name) => name.toLowerCase() === 'content-type');
    if (!given) this.#headers = { ...this.#headers, ...JSON_HEADERS };
    return this.#headers;
  }

  get body(): Uint8Array {
    this.#body ??= this.payload instanceof Uint8Array ? this.payload : Buffer.from(this.text(), 'utf8');
    return this.#body;
  }

  /** Throws InvalidArgumentError for a payload that JSON cannot hold. */
  text(): string {
    this.#text ??= textOf(this.payload);
    return this.#text;
  }

  isExpired(now: number): boolean {
    return this.expiresAt !== 0 && this.expiresAt <= now;
  }
}

function textOf(payload: unknown): string {
  if (typeof payload === 'string') return payload;
  if (!(payload instanceof Uint8Array)) return jsonText(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8');
}
