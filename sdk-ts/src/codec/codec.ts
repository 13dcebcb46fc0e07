/**
 * How the values of a topic become bodies, and bodies values. `In` is what is published, `Out` what handlers get.
 *
 * Made by `json`, `text`, `bytes` and `protobuf`, or your own.
 */
export interface Codec<In, Out = In> {
  /** The header `content-type` of what is published, unless the publisher gives one. Empty: none. */
  readonly contentType: string;
  /** The body. Throws, or rejects with, what `publish` is to reject with. */
  encode(value: In): string | Uint8Array | Promise<string | Uint8Array>;
  /**
   * The value. Throws, or rejects with, UnrecoverableError for a body that can never be decoded: the message becomes a dead letter at once, with
   * the error's message as the reason. Any other error counts as a handler's: the message is tried again.
   */
  decode(body: Uint8Array, headers: Readonly<Record<string, string>>): Out | Promise<Out>;
}
