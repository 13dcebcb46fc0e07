import type { Channels } from '../../bus/channels.js';
import { receiptChannel } from '../../bus/receipt.js';
import type { SettleStatus } from '../../bus/settle.js';
import type { ChannelId } from '../../model/channel.js';
import type { Principal } from './principal.js';

/** Decisions that are kept for one principal; past it they are made anew. */
const MAX_DECIDED = 10_000;

/**
 * A receipt can be made up by whoever knows how, so it gives no right: it names its channel, and who settles it must have the right
 * to consume that one. Else it is UNKNOWN, as one of a channel that does not exist.
 */
export class Receipts {
  /** A channel's id stays its own, whatever becomes of it. */
  readonly #decided = new WeakMap<Principal, Map<ChannelId, boolean>>();

  constructor(private readonly channels: Pick<Channels, 'find'>) {}

  /** Settles those that the principal may, and answers a status for each, in order. */
  async settle(
    principal: Principal,
    receipts: readonly string[],
    settle: (allowed: readonly string[]) => Promise<SettleStatus[]>,
  ): Promise<SettleStatus[]> {
    if (principal.permissions.everything('consume')) return settle(receipts);
    const decided = this.#decisionsOf(principal);
    const ids = receipts.map(receiptChannel);
    const open = new Set(ids.filter((id) => id !== undefined && !decided.has(id)));
    if (open.size > 0) await Promise.all([...open].map((id) => this.#decide(principal, decided, id)));
    const may = ids.map((id) => id !== undefined && decided.get(id) === true);
    if (may.every(Boolean)) return settle(receipts);
    const allowed = receipts.filter((_, i) => may[i]);
    const statuses = allowed.length === 0 ? [] : await settle(allowed);
    let next = 0;
    return may.map((is) => (is ? (statuses[next++] ?? 'unknown') : 'unknown'));
  }

  /** Whether the principal may settle it. */
  async may(principal: Principal, receipt: string): Promise<boolean> {
    const [status] = await this.settle(principal, [receipt], async () => ['ok']);
    return status === 'ok';
  }

  async #decide(principal: Principal, decided: Map<ChannelId, boolean>, id: ChannelId | undefined): Promise<void> {
    const channel = id === undefined ? undefined : await this.channels.find(id);
    // What is not there may come to be: nothing is kept of it.
    if (channel === undefined) return;
    if (decided.size >= MAX_DECIDED) decided.clear();
    decided.set(channel.id, principal.permissions.channel('consume', channel.topic, channel.name));
  }

  #decisionsOf(principal: Principal): Map<ChannelId, boolean> {
    let decided = this.#decided.get(principal);
    if (decided === undefined) {
      decided = new Map();
      this.#decided.set(principal, decided);
    }
    return decided;
  }
}
