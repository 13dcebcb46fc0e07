import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { CallerSheet, ConsumerSheet, NodeBoard, NodeSheet, Totals } from '../../ports/node-board.js';
import type { Service } from '../../ports/service.js';
import type { Bus } from '../bus.js';
import { ratesOf, type Sample } from './rates.js';

export interface NodeFacts {
  /** Unlike any other gateway's. */
  readonly name: string;
  readonly version: string;
  readonly engine: string;
}

/** What a gateway does beside the bus. */
export interface GatewayFacts {
  /** The shards whose due messages it publishes. */
  readonly shards: () => readonly number[];
  /** Up to so many of those who call it. */
  readonly callers: (limit: number) => readonly CallerSheet[];
}

interface Parts extends GatewayFacts {
  readonly bus: Bus;
  readonly board: NodeBoard;
  readonly facts: NodeFacts;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often a gateway tells of itself, and how long that is believed. */
const POST_MS = 2_000;
const TTL_MS = 10_000;
/** Rates are over so many samples, one a second. */
const SAMPLES = 6;
const SAMPLE_MS = 1_000;
/** What is read of the others is good for this long. */
const FRESH_MS = 1_000;
const MAX_CONSUMERS = 1_000;
const MAX_CONNECTIONS = 1_000;

/** What this gateway tells the others of itself, and what they tell. */
export class Nodes implements Service {
  readonly #startedAt: number;
  #samples: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** By the steady clock, in milliseconds: a wall clock that is set back must not keep this gateway silent. */
  #postedAt = Number.NEGATIVE_INFINITY;
  #read: { readonly at: number; readonly sheets: Promise<NodeSheet[]> } | undefined;

  constructor(private readonly parts: Parts) {
    this.#startedAt = parts.clock.now();
  }

  get name(): string {
    return this.parts.facts.name;
  }

  async start(): Promise<void> {
    this.#sample();
    this.#timer ??= setInterval(() => this.#sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.parts.board.withdraw(this.name).catch((error: unknown) => {
      this.parts.logger.debug({ error }, 'leaving was not noted; the others see it soon');
    });
  }

  /** All gateways, this one as it is now, by name. While the others cannot be asked, this one alone. */
  async list(): Promise<NodeSheet[]> {
    const others = (await this.#others()).filter(({ name }) => name !== this.name);
    return [...others, this.own()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  own(): NodeSheet {
    const { bus, facts, clock, shards, callers } = this.parts;
    const now = clock.now();
    const { totals } = bus.tally;
    const { consumers, unsettled } = bus.counts;
    return {
      ...facts,
      startedAt: this.#startedAt,
      seenAt: now,
      draining: bus.draining,
      shards: shards(),
      consumers,
      inFlight: unsettled,
      totals,
      rates: ratesOf([...this.#samples, { at: clock.steady(), totals }]),
      consumerSheets: [...consumersOf(bus)],
      connections: callers(MAX_CONNECTIONS).map((caller) => ({ ...caller, ...bus.client(caller.peer) })),
    };
  }

  #others(): Promise<NodeSheet[]> {
    const now = this.parts.clock.now();
    if (this.#read === undefined || Math.abs(now - this.#read.at) > FRESH_MS) {
      const sheets = this.parts.board.list().catch((error: unknown) => {
        this.parts.logger.debug({ error }, 'other gateways could not be asked for');
        return [];
      });
      this.#read = { at: now, sheets };
    }
    return this.#read.sheets;
  }

  #sample(): void {
    const now = this.parts.clock.steady();
    this.#samples = [...this.#samples.slice(1 - SAMPLES), { at: now, totals: this.parts.bus.tally.totals }];
    if (now - this.#postedAt < POST_MS - SAMPLE_MS / 2) return;
    this.#postedAt = now;
    this.parts.board.post(this.own(), TTL_MS).catch((error: unknown) => {
      this.parts.logger.debug({ error }, 'this gateway could not tell of itself');
    });
  }
}

function* consumersOf(bus: Bus): Generator<ConsumerSheet> {
  let left = MAX_CONSUMERS;
  for (const { channel, consumers } of bus.locals()) {
    for (const { name, kind, since, credit, outstanding } of consumers) {
      if (left-- === 0) return;
      yield { topic: channel.topic, channel: channel.name, name, kind, since, credit, inFlight: outstanding };
    }
  }
}

export function sumTotals(all: readonly Totals[]): Totals {
  const sum = { published: 0, delivered: 0, acked: 0, retried: 0, dead: 0, expired: 0 };
  for (const totals of all) {
    sum.published += totals.published;
    sum.delivered += totals.delivered;
    sum.acked += totals.acked;
    sum.retried += totals.retried;
    sum.dead += totals.dead;
    sum.expired += totals.expired;
  }
  return sum;
}
