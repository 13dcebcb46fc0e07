import type { Buffered, Delivery, DeliveryTable } from './delivery.js';
import type { Gate } from './gate.js';
import { settled } from './settling.js';

/** A message that came again while a consumer of this gateway holds it. */
export interface Twin {
  readonly item: Buffered;
  readonly held: Delivery;
}

interface Parts {
  readonly gate: Gate;
  readonly table: DeliveryTable;
}

/**
 * Consumers of this gateway are at work on these messages. Where the ledger agrees, their deliveries go on, with the new frame
 * if the broker took back the one that they came in; else this is a copy, which nobody needs. Where it does not, somebody else
 * had the message meanwhile: the delivery is void, and the message waits its turn. Answers those that wait.
 */
export async function adopt(twins: readonly Twin[], { gate, table }: Parts): Promise<Buffered[]> {
  const isOut = ({ held }: Twin) => table.get(held.nonce) === held && held.settling === undefined;
  // What is being settled comes to its end first, or its copies would go round in circles until it has.
  await Promise.all(twins.map(({ held: { settling } }) => (settling === undefined ? undefined : settled(settling))));
  const out = twins.filter(isOut);
  const waiting = twins.filter((twin) => !isOut(twin)).map(({ item }) => item);
  const confirmed = await gate.confirm(out.map(({ held }) => held));
  out.forEach((twin, i) => {
    const { item, held } = twin;
    if (item.frame.lost) return;
    const isStill = isOut(twin);
    if (!isStill || confirmed[i] !== true) {
      if (isStill) {
        held.frame?.settleOne();
        table.remove(held);
      }
      waiting.push(item);
    } else if (held.frame?.lost === true) {
      held.frame = item.frame;
    } else {
      item.frame.settleOne();
    }
  });
  return waiting;
}
