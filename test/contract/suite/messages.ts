import { randomUUID } from 'node:crypto';
import type { BusClient } from '../../support/client.js';
import type { Outgoing, Received } from '../../support/client-types.js';
import type { ConsumerStream } from '../../support/consumer-stream.js';
import { until } from '../../support/until.js';

/** `count` messages of a topic, told apart by their body: 0, 1, 2, … */
export function numbered(topic: string, count: number, options: Omit<Outgoing, 'topic'> = {}): Outgoing[] {
  return Array.from({ length: count }, (_, i) => ({ topic, body: `${i}`, ...options }));
}

export function bodies(messages: readonly Received[]): string[] {
  return messages.map(({ body }) => body.toString());
}

export function receipts(messages: readonly Received[]): string[] {
  return messages.map(({ receipt }) => receipt);
}

export function ids(messages: readonly { readonly id: string }[]): string[] {
  return messages.map(({ id }) => id);
}

/** The numbers below `count`, as `numbered` writes them. */
export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

/** Long enough for what comes back by itself to come back first. */
const MARKER_DELAY_MS = 500;

const PATIENCE_MS = 15_000;

/**
 * What the stream gets before a marker that is published now. The marker waits in the schedule, so it comes after all that the
 * channel gives at once: "this message never comes again" is thus a wait for an event.
 */
export async function beforeMarker(
  client: BusClient,
  stream: ConsumerStream,
  topic: string,
  delayMs = MARKER_DELAY_MS,
): Promise<Received[]> {
  const id = `marker-${randomUUID()}`;
  // While the engine comes back from a crash it may refuse for a moment; under one id there is one marker.
  await until(() => client.publishOne({ topic, id, delayMs }), PATIENCE_MS);
  const before = await stream.takeUntil(id);
  const marker = stream.received.find((received) => received.id === id);
  if (marker !== undefined) await stream.ack([marker.receipt]);
  return before;
}
