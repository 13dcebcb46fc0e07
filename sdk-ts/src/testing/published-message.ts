import type { StoredMessage } from '../local/stored-message.js';

/** What was published, for a test to look at. */
export interface PublishedMessage<Payload = unknown> {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What was published; the value again where that was JSON, as a typed topic makes it. */
  readonly payload: Payload;
  /** As a gateway would send it. */
  readonly body: Uint8Array;
  readonly publishedAt: Date;
  /** When it is to be delivered; undefined for one that was not delayed. A later cancel or reschedule does not show here. */
  readonly dueAt: Date | undefined;
}

/** A message as the bus took it in. */
export function publishedMessage(message: StoredMessage, dueAt: number): PublishedMessage {
  const { id, topic, key, headers, body } = message;
  return {
    id,
    topic,
    key,
    headers,
    payload: decoded(message),
    body,
    publishedAt: new Date(message.publishedAt),
    dueAt: dueAt === 0 ? undefined : new Date(dueAt),
  };
}

function decoded(message: StoredMessage): unknown {
  const { payload, headers } = message;
  const encoded = typeof payload === 'string' || payload instanceof Uint8Array;
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  if (!encoded || type?.split(';')[0] !== 'application/json') return payload;
  try {
    return JSON.parse(message.text());
  } catch {
    // Said to be JSON, and is none: that is for its consumer to judge.
    return payload;
  }
}
