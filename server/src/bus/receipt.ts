import type { Channel, ChannelId } from '../model/channel.js';
import type { Message } from '../model/message.js';

/**
 * What a receipt says, so that any gateway can settle with nothing but the ledger:
 * `<kind><channel>-<attempt>-<nonce>-<topic>/<id>`, numbers in base 36, the topic left out where it is the channel's own.
 */
export interface Receipt {
  /** `streamed`: the message is held by the broker for the gateway that delivered it. `leased`: by the ledger. */
  readonly kind: 'streamed' | 'leased';
  readonly channel: ChannelId;
  readonly attempt: number;
  readonly nonce: number;
  /** Empty: the topic of the channel. */
  readonly topic: string;
  readonly id: string;
}

const RECEIPT =
  /^([sl])([0-9a-z]{1,7})-([0-9a-z]{1,6})-([0-9a-z]{1,11})-([A-Za-z0-9._:@-]{0,128})\/([\x21-\x7e]{1,128})$/;

export function formatReceipt(
  kind: Receipt['kind'],
  channel: Channel,
  attempt: number,
  nonce: number,
  message: Pick<Message, 'topic' | 'id'>,
): string {
  const start = kind === 'streamed' ? 's' : 'l';
  const topic = message.topic === channel.topic ? '' : message.topic;
  return `${start}${channel.id.toString(36)}-${attempt.toString(36)}-${nonce.toString(36)}-${topic}/${message.id}`;
}

/** Undefined for a text that is no receipt. */
export function parseReceipt(text: string): Receipt | undefined {
  const match = RECEIPT.exec(text);
  if (match === null) return undefined;
  const [, kind, channel = '', attempt = '', nonce = '', topic = '', id = ''] = match;
  const number = Number.parseInt(nonce, 36);
  if (!Number.isSafeInteger(number)) return undefined;
  return {
    kind: kind === 's' ? 'streamed' : 'leased',
    channel: Number.parseInt(channel, 36) as ChannelId,
    attempt: Number.parseInt(attempt, 36),
    nonce: number,
    topic,
    id,
  };
}

/** The channel that a receipt names; undefined where it names none. Much cheaper than parsing all of it. */
export function receiptChannel(text: string): ChannelId | undefined {
  const end = text.indexOf('-');
  if (end < 2 || end > 8) return undefined;
  const id = Number.parseInt(text.slice(1, end), 36);
  return Number.isNaN(id) ? undefined : (id as ChannelId);
}

/** The nonce of a receipt, for the table of deliveries; NaN where there is none. Much cheaper than parsing all of it. */
export function receiptNonce(text: string): number {
  const attempt = text.indexOf('-');
  const nonce = text.indexOf('-', attempt + 1);
  const end = text.indexOf('-', nonce + 1);
  return attempt < 0 || nonce < 0 || end < 0 ? Number.NaN : Number.parseInt(text.slice(nonce + 1, end), 36);
}
