import { randomBytes } from 'node:crypto';
import type { Action } from '../consumer/action.js';
import type { LocalMessage } from './local-message.js';

/** Receipts of what is over, kept so that a settle which is repeated gets the same answer. */
const KEPT = 10_000;

/** The hand-outs whose receipt somebody has asked for: a message whose handler just returns needs none. */
export class Receipts {
  readonly #messages = new Map<string, LocalMessage>();
  readonly #prefix = `local-${randomBytes(6).toString('hex')}-`;
  #count = 0;
  #sweepAt = KEPT;

  add(message: LocalMessage): string {
    if (this.#messages.size >= this.#sweepAt) this.#sweep();
    const receipt = this.#prefix + (++this.#count).toString(36);
    this.#messages.set(receipt, message);
    return receipt;
  }

  settle(receipt: string, action: Action): 'ok' | 'stale' | 'unknown' {
    const message = this.#messages.get(receipt);
    if (message !== undefined) return message.settleBy(action);
    if (typeof receipt !== 'string' || !receipt.startsWith(this.#prefix)) return 'unknown';
    return Number.parseInt(receipt.slice(this.#prefix.length), 36) <= this.#count ? 'stale' : 'unknown';
  }

  #sweep(): void {
    for (const [receipt, message] of this.#messages) if (!message.isHeld) this.#messages.delete(receipt);
    this.#sweepAt = 2 * this.#messages.size + KEPT;
  }
}
