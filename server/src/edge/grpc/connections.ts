import { EventEmitter } from 'node:events';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Clock } from '../../ports/clock.js';
import type { CallerSheet } from '../../ports/node-board.js';

/** A peer without an open call is forgotten after this long. */
const IDLE_MS = 60_000;
/** Past so many peers, those without an open call are forgotten at once, the oldest first. */
const MAX_PEERS = 10_000;

interface Peer {
  readonly since: number;
  lastCallAt: number;
  openCalls: number;
  calls: number;
}

/** Who calls. grpc-js shows no connections, so they are known by their calls: where each comes from, and whether it is open. */
export class Connections {
  /** By address and port; those that called last come last. */
  readonly #peers = new Map<string, Peer>();

  constructor(private readonly clock: Clock) {}

  /** The same methods, whose calls are counted from here on. */
  watch(implementation: UntypedServiceImplementation): UntypedServiceImplementation {
    return Object.fromEntries(
      Object.entries(implementation).map(([name, handler]) => [
        name,
        (...args: unknown[]): void => {
          Reflect.apply(handler, implementation, this.#watched(args));
        },
      ]),
    );
  }

  /** Up to `limit`, those that called last. */
  sheets(limit: number): CallerSheet[] {
    const now = this.clock.now();
    for (const [address, peer] of this.#peers) {
      if (peer.openCalls === 0 && now - peer.lastCallAt > IDLE_MS) this.#peers.delete(address);
    }
    return [...this.#peers].slice(-limit).map(([peer, facts]) => ({ peer, ...facts }));
  }

  /** The arguments of a handler: a call that is answered once, or one that ends by itself. */
  #watched([call, answer]: unknown[]): unknown[] {
    if (!(call instanceof EventEmitter && 'getPeer' in call && typeof call.getPeer === 'function'))
      return [call, answer];
    const ended = this.#began(String(call.getPeer()));
    if (typeof answer !== 'function') {
      for (const event of ['finish', 'cancelled', 'error', 'close']) call.once(event, ended);
      return [call];
    }
    const answered = (...args: unknown[]): void => {
      ended();
      Reflect.apply(answer, undefined, args);
    };
    return [call, answered];
  }

  /** Answers what to call when it is over; safe twice. */
  #began(address: string): () => void {
    const now = this.clock.now();
    const peer = this.#peers.get(address) ?? { since: now, lastCallAt: now, openCalls: 0, calls: 0 };
    this.#peers.delete(address);
    if (this.#peers.size >= MAX_PEERS) this.#forgetOne();
    this.#peers.set(address, peer);
    peer.lastCallAt = now;
    peer.openCalls++;
    peer.calls++;
    let open = true;
    return () => {
      if (open) peer.openCalls--;
      open = false;
    };
  }

  #forgetOne(): void {
    for (const [address, { openCalls }] of this.#peers) {
      if (openCalls > 0) continue;
      this.#peers.delete(address);
      return;
    }
  }
}
