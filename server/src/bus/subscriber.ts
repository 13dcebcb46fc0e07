import type { ClientShare } from './client-share.js';
import type { Delivery, Holder } from './delivery.js';

export interface SubscriberOptions {
  /** Who it is, for the ledger. */
  readonly name: string;
  readonly leaseMs: number;
  readonly credit: number;
  /** Of the client that it belongs to. */
  readonly share: ClientShare;
  /** `stream` unless it says otherwise. */
  readonly kind?: 'stream' | 'pull';
}

/** A consumer of a channel, as the dispatcher sees it: a window of credit, and somewhere to send. */
export class Subscriber implements Holder {
  readonly name: string;
  readonly leaseMs: number;
  readonly kind: 'stream' | 'pull';
  readonly #share: ClientShare;
  #credit: number;
  /** Deliveries it holds, and those being claimed for it. */
  #outstanding = 0;
  #paused = false;
  #closed = false;
  /** A lease of its ended, and nothing was heard from it since: it may be frozen. */
  #mute = false;

  constructor(
    { name, leaseMs, credit, share, kind = 'stream' }: SubscriberOptions,
    /** Takes one batch, 1 to the room that is left. */
    readonly send: (deliveries: Delivery[]) => void,
    /** There is room again. */
    private readonly roomy: () => void,
    /** Unix milliseconds. */
    readonly since: number,
  ) {
    this.name = name;
    this.leaseMs = leaseMs;
    this.kind = kind;
    this.#credit = credit;
    this.#share = share;
  }

  get credit(): number {
    return this.#credit;
  }

  set credit(credit: number) {
    this.#credit = credit;
    this.roomy();
  }

  /**
   * Whether others come first. A consumer that is frozen goes on to have credit, as the leases end of what it holds: without this
   * it would get its share again and again, and use up the attempts of messages that nobody saw.
   */
  get mute(): boolean {
    return this.#mute;
  }

  /** How many it is trusted to hold: of a mute one, the next answer tells whether it lives. */
  get window(): number {
    return this.#mute ? Math.min(1, this.#credit) : this.#credit;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many more it may be given now. When its client holds too much, it says `roomy` once that holds less. */
  get room(): number {
    if (this.#paused || this.#closed) return 0;
    const own = Math.max(0, this.window - this.#outstanding);
    if (own === 0) return 0;
    const { room } = this.#share;
    if (room === 0) this.#share.whenRoomy(this.roomy);
    return Math.min(own, room);
  }

  /** How many bytes more it may be given now; the last message may go past. */
  get roomBytes(): number {
    return this.#share.roomBytes;
  }

  /** Its transport is full (true), or has drained (false). */
  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused) this.roomy();
  }

  /** Deliveries that it holds, or that are being claimed for it. */
  get outstanding(): number {
    return this.#outstanding;
  }

  take(count: number, bytes: number): void {
    this.#outstanding += count;
    this.#share.take(count, bytes);
  }

  free(count: number, bytes: number): void {
    this.#outstanding -= count;
    this.#share.free(count, bytes);
    this.roomy();
  }

  lapsed(): void {
    this.#mute = true;
  }

  heard(): void {
    if (!this.#mute) return;
    this.#mute = false;
    this.roomy();
  }

  close(): void {
    this.#closed = true;
    this.#share.forget(this.roomy);
  }
}
