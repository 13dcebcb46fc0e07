import type { Body } from '../body.js';
import type { PublishItem } from '../bus.js';
import { PublishManyError } from '../errors.js';
import { MESSAGE_OPTIONS } from './outgoing.js';
import type { Published } from './pending.js';
import type { Publisher } from './publisher.js';

/** How many are handed over before it is looked whether there is room. */
const STRIDE = 256;

/** Publishes all, as fast as there is room. Rejects with PublishManyError when some were not accepted. */
export async function publishMany(
  publisher: Pick<Publisher, 'publish' | 'room'>,
  topic: string,
  items: Iterable<Body | PublishItem>,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<Published[]> {
  const results: (Published | Error | undefined)[] = [];
  const calls: Promise<void>[] = [];
  let first: Error | undefined;
  const publishOne = (item: Body | PublishItem) =>
    isItem(item)
      ? publisher.publish(topic, item.body, item, deadlineMs, signal)
      : publisher.publish(topic, item, undefined, deadlineMs, signal);
  for (const item of items) {
    const index = results.push(undefined) - 1;
    if (index % STRIDE === 0) await publisher.room();
    const call = publishOne(item).then(
      (published) => {
        results[index] = published;
      },
      (error: unknown) => {
        const failure = error instanceof Error ? error : new Error(String(error));
        results[index] = failure;
        first ??= failure;
      },
    );
    calls.push(call);
  }
  await Promise.all(calls);
  const settled = results.filter((result) => result !== undefined);
  if (first !== undefined) throw new PublishManyError(settled, first);
  return settled.filter((result): result is Published => !(result instanceof Error));
}

function isItem(item: Body | PublishItem): item is PublishItem {
  if (typeof item !== 'object' || item === null || item instanceof Uint8Array || !('body' in item)) return false;
  return Object.keys(item).every((name) => name === 'body' || MESSAGE_OPTIONS.has(name));
}
