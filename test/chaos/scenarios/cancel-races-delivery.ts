import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BusClient } from '../../support/client.js';
import type { Received } from '../../support/client-types.js';
import type { ConsumerStream } from '../../support/consumer-stream.js';
import { SetChecker } from '../../support/set-checker.js';
import { need, needNone } from '../need.js';
import type { Scenario } from '../scenario.js';

const TOPIC = 'later';
const BATCH = 500;
/** Due messages a second. */
const RATE = 200;
/** Calls under way. A cancel is a transaction of its own: were they not bounded, a slow machine would answer none in time. */
const WINDOW = 100;
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
/** The second message of three is put off by this much, the others are cancelled. */
const PUT_OFF_MS = 500;

interface Planned {
  readonly id: string;
  readonly dueAt: number;
  /** When somebody tries to stop it: from just before it is due until it may be with its consumer. */
  readonly at: number;
}

export const cancelRacesDelivery: Scenario = {
  name: 'cancel-races-delivery',
  title: 'delayed messages are cancelled and put off in the very moment that they are due: exactly one side wins',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const gateway = await stage.gateway({ MaxCredit: 1_000 });
    const client = new BusClient(gateway.rpcUrl);
    stage.atEnd(async () => client.close());
    const race = new Race(client, await client.subscribe(TOPIC, 'workers', { credit: 1_000 }));
    const count = stage.pick(4_000, 600);
    const startsAt = Date.now() + stage.pick(6_000, 1_500);
    const plan = Array.from({ length: count }, (_, i): Planned => {
      const dueAt = startsAt + Math.floor((i * 1_000) / RATE);
      return { id: randomUUID(), dueAt, at: dueAt - 5 + Math.random() * 25 };
    });
    await race.schedule(plan);
    await race.run(plan);
    return race.judge();
  },
};

class Race {
  readonly #checker = new SetChecker();
  readonly #client: BusClient;
  readonly #stopped = new Set<string>();
  /** No delivery before these times, in Unix milliseconds. */
  readonly #notBefore = new Map<string, number>();
  readonly #wrong: string[] = [];
  #refused = 0;
  #putOff = 0;

  constructor(client: BusClient, stream: ConsumerStream) {
    this.#client = client;
    stream.listen((batch) => void this.#handle(stream, batch));
  }

  async schedule(plan: readonly Planned[]): Promise<void> {
    for (let from = 0; from < plan.length; from += BATCH) {
      const part = plan.slice(from, from + BATCH);
      for (const { id, dueAt } of part) this.#notBefore.set(id, dueAt);
      await this.#client.publish(part.map(({ id, dueAt }) => ({ topic: TOPIC, id, dueTimeMs: dueAt })));
      for (const { id } of part) this.#checker.published(id);
    }
  }

  async run(plan: readonly Planned[]): Promise<void> {
    const order = plan.map((one, i) => ({ ...one, cancel: i % 3 !== 1 })).sort((a, b) => a.at - b.at);
    const under = new Set<Promise<void>>();
    for (const { id, at, cancel } of order) {
      while (Date.now() < at) await delay(1);
      while (under.size >= WINDOW) await Promise.race(under);
      const asked = (cancel ? this.#cancel(id) : this.#postpone(id)).finally(() => under.delete(asked));
      under.add(asked);
    }
    await Promise.all(under);
  }

  async judge() {
    await this.#checker.until(({ lost }) => lost === 0, 60_000).catch(() => {});
    // Whatever was cancelled and comes all the same has time to.
    await delay(2 * PUT_OFF_MS);
    const both = [...this.#stopped].filter((id) => this.#checker.deliveries(id) > 0);
    needNone(both, 'messages were delivered and cancelled');
    needNone(this.#wrong, 'deliveries came before their time');
    need(this.#stopped.size > 0 && this.#refused > 0 && this.#putOff > 0, 'there was no race: one side always won');
    const { report } = this.#checker;
    need(report.duplicated === 0, `${report.duplicated} messages were delivered twice`);
    return { ...report, recoveredSeconds: null };
  }

  async #cancel(id: string): Promise<void> {
    if (!(await this.#wins(this.#client.cancel(TOPIC, id)))) return;
    this.#stopped.add(id);
    this.#checker.ended(id);
  }

  async #postpone(id: string): Promise<void> {
    const asked = this.#client.reschedule(TOPIC, id, PUT_OFF_MS).then((dueAt) => this.#notBefore.set(id, dueAt));
    if (await this.#wins(asked)) this.#putOff++;
  }

  /** False when the delivery had begun, or was over. */
  async #wins(asked: Promise<unknown>): Promise<boolean> {
    try {
      await asked;
      return true;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== NOT_FOUND && code !== FAILED_PRECONDITION) throw error;
      this.#refused++;
      return false;
    }
  }

  async #handle(stream: ConsumerStream, batch: readonly Received[]): Promise<void> {
    for (const { id, at } of batch) {
      this.#checker.delivered(id);
      if (at < (this.#notBefore.get(id) ?? 0)) this.#wrong.push(id);
    }
    // The gateway goes with the scenario; in the midst of it, what was not acked shows in the books.
    const statuses = await stream.ack(batch.map(({ receipt }) => receipt)).catch(() => []);
    batch.forEach(({ id }, i) => {
      if (statuses[i] === 'ok') this.#checker.acked(id);
    });
  }
}
