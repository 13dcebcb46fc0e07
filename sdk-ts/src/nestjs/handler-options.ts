import type { Codec } from '../codec/codec.js';
import { schemaCodec } from '../codec/schema.js';
import type { StandardSchema } from '../codec/standard-schema.js';
import type { SubscribeOptions } from '../consumer/subscribe-options.js';
import { invalidOption } from '../errors.js';
import type { Message } from '../message.js';
import { payloadOf } from './payload.js';

/** The options of `subscribe` that a handler may have. `settle: 'manual'` is for events: a request is settled by its reply. */
type HandlerSubscribeOptions = Pick<
  SubscribeOptions,
  'concurrency' | 'credit' | 'lease' | 'retry' | 'autoExtend' | 'settle' | 'middleware'
>;

/**
 * What may be said beside the pattern of a handler; what is not said is as the server's options say.
 *
 * @example
 * @WaybillEvent('orders', { channel: 'billing', concurrency: 10 })
 */
export interface WaybillHandlerOptions extends HandlerSubscribeOptions {
  /** The channel that is subscribed to: all handlers of one channel share its messages. Default: the server's `channel`. */
  channel?: string;
  /** Checks and decodes the body, by a codec or by a validator that speaks Standard Schema. A body that it refuses is a dead letter, and the handler is not called. Default: by the header `content-type`. */
  codec?: Codec<never, unknown> | StandardSchema;
}

const NAMES: ReadonlySet<string> = new Set<keyof WaybillHandlerOptions>([
  'channel',
  'codec',
  'concurrency',
  'credit',
  'lease',
  'retry',
  'autoExtend',
  'settle',
  'middleware',
]);

/** Takes what was written beside a pattern for options of this transport; throws InvalidArgumentError for a name that is none. */
export function handlerOptions(pattern: string, extras: Readonly<Record<string, unknown>>): WaybillHandlerOptions {
  for (const name in extras) {
    if (!NAMES.has(name))
      throw invalidOption(`option "${name}" of the handler of ${pattern}`, extras[name], [...NAMES].join(', '));
  }
  return extras;
}

/** What turns a message into the handler's payload. */
export function payloadReader({ codec }: WaybillHandlerOptions): (message: Message) => unknown {
  if (codec === undefined) return payloadOf;
  const { decode } = '~standard' in codec ? schemaCodec(codec) : codec;
  return (message) => decode(message.body, message.headers);
}
