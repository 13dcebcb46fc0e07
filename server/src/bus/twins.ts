import type { Buffered, Delivery, DeliveryTable } from './delivery.js';
import type { Gate } from './gate.js';

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
  const confirmed = await gate.confirm(twins.map(({ held }) => held));
  const waiting: Buffered[] = [];
  twins.forEach(({ item, held }, i) => {
    if (item.frame.lost) return;
    const out = table.get(held.nonce) === held && held.settling === undefined;
    if (!out || confirmed[i] !== true) {
      if (out) {
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
