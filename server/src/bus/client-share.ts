/** What one client may hold unsettled, over all its streams. */
export interface ClientLimits {
  /** Config `MaxUnsettledPerClient`. */
  readonly messages: number;
  /** Config `MaxUnsettledBytesPerClient`. The message that reaches it may go past, so that none is too large to be delivered. */
  readonly bytes: number;
}

/** What one client holds, and those of its consumers that wait for it to hold less. */
export class ClientShare {
  #messages = 0;
  #bytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly limits: ClientLimits) {}

  /** Messages that it may be given now. */
  get room(): number {
    return this.roomBytes <= 0 ? 0 : Math.max(0, this.limits.messages - this.#messages);
  }

  /** Messages that it holds. */
  get held(): number {
    return this.#messages;
  }

  /** Bytes that it may be given now; the last message may go past. */
  get roomBytes(): number {
    return this.limits.bytes - this.#bytes;
  }

  take(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  free(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
    if (this.#waiting.size === 0 || this.room === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const roomy of waiting) roomy();
  }

  /** Calls back once, when there is room again. */
  whenRoomy(roomy: () => void): void {
    this.#waiting.add(roomy);
  }

  forget(roomy: () => void): void {
    this.#waiting.delete(roomy);
  }
}

/** The share of each client that has consumers here. */
export class ClientShares {
  readonly #byClient = new Map<string, { readonly share: ClientShare; users: number }>();

  constructor(private readonly limits: ClientLimits) {}

  /** Clients that have consumers here. */
  get size(): number {
    return this.#byClient.size;
  }

  /** What a client has here: consumers, and the messages that they hold. */
  of(client: string): { readonly consumers: number; readonly inFlight: number } {
    const entry = this.#byClient.get(client);
    return { consumers: entry?.users ?? 0, inFlight: entry?.share.held ?? 0 };
  }

  /** `leave` follows. */
  join(client: string): ClientShare {
    let entry = this.#byClient.get(client);
    if (entry === undefined) {
      entry = { share: new ClientShare(this.limits), users: 0 };
      this.#byClient.set(client, entry);
    }
    entry.users++;
    return entry.share;
  }

  leave(client: string): void {
    const entry = this.#byClient.get(client);
    if (entry !== undefined && --entry.users === 0) this.#byClient.delete(client);
  }
}
