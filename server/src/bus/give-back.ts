import type { Channel } from '../model/channel.js';
import type { Broker } from '../ports/broker.js';
import type { Backlog } from './backlog.js';
import type { Buffered } from './delivery.js';

/** What goes back in part goes in small frames, so that several hungry gateways get some of it. */
const SHARE_MESSAGES = 4;

/**
 * A buffer goes back to the broker: frames as they are, and of those that are partly out with a consumer, the rest. `stays` gets what
 * the broker did not confirm, which may be there too.
 */
export async function giveBack(
  backlog: Backlog,
  channel: Channel,
  broker: Broker,
  stays: (items: readonly Buffered[]) => void,
): Promise<void> {
  const partly: Buffered[][] = [];
  for (const { frame, items } of backlog.drain()) {
    if (frame.lost) continue;
    if (items.length === frame.size) frame.requeue();
    else partly.push(items);
  }
  for (const items of partly) {
    for (let at = 0; at < items.length; at += SHARE_MESSAGES) {
      const part = items.slice(at, at + SHARE_MESSAGES);
      if (await republished(part, channel, broker)) for (const { frame } of part) frame.settleOne();
      else stays(part.map((item) => ({ ...item, verify: true })));
    }
  }
}

async function republished(items: readonly Buffered[], channel: Channel, broker: Broker): Promise<boolean> {
  const messages = items.map((item) => item.message);
  const topic = messages[0]?.topic ?? channel.topic;
  try {
    return (await broker.publish({ topic, messages, verify: true }, { channel })) === 'routed';
  } catch {
    return false;
  }
}
