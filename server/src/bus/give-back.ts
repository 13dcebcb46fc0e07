import type { Channel } from '../model/channel.js';
import type { Broker } from '../ports/broker.js';
import type { FramePart } from './backlog.js';
import type { Buffered } from './delivery.js';

/** What goes back in part goes in small frames, so that several hungry gateways get some of it. */
const SHARE_MESSAGES = 4;

/**
 * What was buffered goes back to the broker: frames as they are, and of those that are partly out with a consumer, the rest. `stays` gets what
 * the broker did not confirm, which may be there too: at once while it takes nothing, else after `patienceMs` at the latest, since
 * nobody can have what is on its way.
 */
export async function giveBack(
  frames: readonly FramePart[],
  channel: Channel,
  broker: Broker,
  patienceMs: number,
  stays: (items: readonly Buffered[]) => void,
): Promise<void> {
  const partly: Buffered[][] = [];
  for (const { frame, items } of frames) {
    if (frame.lost) continue;
    if (items.length === frame.size) frame.requeue();
    else partly.push(items);
  }
  if (partly.length === 0) return;
  const signal = AbortSignal.timeout(patienceMs);
  const left: Buffered[] = [];
  for (const items of partly) {
    for (let at = 0; at < items.length; at += SHARE_MESSAGES) {
      const part = items.slice(at, at + SHARE_MESSAGES);
      if (await republished(part, channel, broker, signal)) for (const { frame } of part) frame.settleOne();
      else left.push(...part.map((item) => ({ ...item, verify: true })));
    }
  }
  // All together, so that they stay in order.
  if (left.length > 0) stays(left);
}

async function republished(
  items: readonly Buffered[],
  channel: Channel,
  broker: Broker,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted || broker.health() !== undefined) return false;
  const messages = items.map((item) => item.message);
  const topic = messages[0]?.topic ?? channel.topic;
  try {
    return (await broker.publish({ topic, messages, verify: true }, { channel }, signal)) === 'routed';
  } catch {
    return false;
  }
}
