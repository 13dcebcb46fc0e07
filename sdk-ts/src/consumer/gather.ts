import { ACK, type Action } from './action.js';
import { MAX_RECEIPTS, type SettleGroup, type Settler, type Settling } from './settle.js';

/** Gathers what is settled in one turn of the event loop and sends it as few groups. */
export class Gather implements Settler {
  #acks: Settling[] = [];
  readonly #others = new Map<string, { action: Action; settlings: Settling[] }>();
  #scheduled = false;

  constructor(readonly send: (group: SettleGroup) => void) {}

  settle(action: Action, settling: Settling): void {
    if (action.kind === 'ack') this.#acks.push(settling);
    else this.#groupOf(action).push(settling);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  /** Sends at once what has gathered. */
  flush(): void {
    if (this.#acks.length > 0) {
      const settlings = this.#acks;
      this.#acks = [];
      this.#sendAll(ACK, settlings);
    }
    for (const [key, { action, settlings }] of this.#others) {
      this.#others.delete(key);
      this.#sendAll(action, settlings);
    }
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  #sendAll(action: Action, settlings: readonly Settling[]): void {
    for (let from = 0; from < settlings.length; from += MAX_RECEIPTS) {
      const part = settlings.length <= MAX_RECEIPTS ? settlings : settlings.slice(from, from + MAX_RECEIPTS);
      this.send({ action, settlings: part });
    }
  }

  #groupOf(action: Action): Settling[] {
    const key = keyOf(action);
    let group = this.#others.get(key);
    if (group === undefined) {
      group = { action, settlings: [] };
      this.#others.set(key, group);
    }
    return group.settlings;
  }
}

function keyOf(action: Action): string {
  switch (action.kind) {
    case 'ack':
      return 'ack';
    case 'nack':
      return `nack ${action.delayMs ?? ''} ${action.unhandled} ${action.reason}`;
    case 'extend':
      return `extend ${action.leaseSeconds}`;
    case 'reject':
      return `reject ${action.reason}`;
  }
}
