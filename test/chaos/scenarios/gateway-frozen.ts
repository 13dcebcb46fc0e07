import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { BusClient } from '../../support/client.js';
import { fixedRetry, type Received, type Status } from '../../support/client-types.js';
import { releasesOf, sharing } from '../../support/due-shards.js';
import type { Gateway } from '../../support/gateway.js';
import { linesOf } from '../../support/log-lines.js';
import { SetChecker, type SetReport } from '../../support/set-checker.js';
import { needNone } from '../need.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { sum } from '../sum.js';
import { Traffic } from '../traffic.js';

const LOCK_SECONDS = 2;
const LEASE_SECONDS = 2;
/** What RabbitMQ sent to the frozen gateway stays there until two of these have passed; the gateway's own default is 15. */
const HEARTBEAT_SECONDS = 3;
const CHANNEL = 'workers';

/** It wakes up and believes that nothing happened: its locks, its leases and its deliveries are all somebody else's by then. */
export const gatewayFrozen: Scenario = {
  name: 'gateway-frozen',
  title: 'SIGSTOP of a gateway past its locks and leases while another serves: when it wakes, it is fenced off',
  engines: ['cluster'],
  async play(stage) {
    const group = await stage.group();
    const AmqpUrl = `${stage.services.rabbitmq}/?heartbeat=${HEARTBEAT_SECONDS}`;
    const settings = { DLMExpiration: LOCK_SECONDS, Debug: true, AmqpUrl };
    const [stays, frozen] = await Promise.all([group.start(settings), group.start(settings)]);
    await sharing(20_000, stays, frozen);
    const mix = { delayed: 0.3, nacked: 0.2 };
    const traffic = await Traffic.start(stage, [stays.rpcUrl, frozen.rpcUrl], { rate: 1_000, mix });
    await traffic.flows(stage.pick(2_000, 500));
    const held = await Held.by(stage, frozen, stays, stage.pick(500, 100));

    frozen.pause();
    const pausedAt = performance.now();
    await held.pulledFreed();
    await delay(pausedAt + stage.pick(60_000, 5_000) - performance.now());
    const woken = Date.now();
    frozen.resume();
    await held.acksAreStale();
    const recovered = await traffic.recovered();
    const books = await held.finish();
    const outcome = await traffic.finish(recovered);
    // Its old tokens are worth nothing: it releases nothing before it has seen that its locks ran out.
    const seen = linesOf(frozen, 'locks of shards have run out').find(
      ({ at, fields }) => at >= woken && fields.job === 'due',
    );
    needNone(
      releasesOf(frozen).filter(({ claimedAt }) => claimedAt >= woken && claimedAt < (seen?.at ?? woken)),
      'the gateway went on with the locks that it had',
    );
    return sum(outcome, books);
  },
};

/** Messages that consumers of one gateway hold, streamed and pulled, and that end by the other. */
class Held {
  readonly #checker = new SetChecker();
  readonly #client: BusClient;
  #streamed: Received[] = [];
  #pulled: Received[] = [];

  static async by(stage: Stage, gateway: Gateway, other: Gateway, count: number): Promise<Held> {
    const held = new Held(gateway);
    stage.atEnd(async () => held.#client.close());
    await held.#hold(count);
    const client = new BusClient(other.rpcUrl);
    stage.atEnd(async () => client.close());
    for (const topic of ['streamed', 'pulled']) {
      const consumer = await AckingConsumer.start(client, topic, CHANNEL, held.#checker);
      stage.atEnd(() => consumer.stop());
    }
    return held;
  }

  private constructor({ rpcUrl }: Gateway) {
    this.#client = new BusClient(rpcUrl);
  }

  /** What was pulled lies in the ledger, where any gateway ends the leases. */
  async pulledFreed(): Promise<void> {
    await this.#checker.until(({ acked }) => acked >= this.#pulled.length, 30_000);
  }

  async acksAreStale(): Promise<void> {
    const late = async (held: readonly Received[]) => this.#client.ack(held.map(({ receipt }) => receipt));
    const statuses: Status[] = [...(await late(this.#streamed)), ...(await late(this.#pulled))];
    needNone(
      statuses.filter((status) => status !== 'stale'),
      'acks by a gateway that was frozen were not STALE',
    );
  }

  async finish(): Promise<SetReport> {
    await this.#checker.until(({ lost }) => lost === 0, 60_000).catch(() => {});
    return this.#checker.report;
  }

  async #hold(count: number): Promise<void> {
    for (const topic of ['streamed', 'pulled']) {
      await this.#client.makeChannel(topic, CHANNEL, fixedRetry(5));
      const messages = Array.from({ length: count }, () => ({ topic, id: randomUUID() }));
      for (const { id } of await this.#client.publish(messages)) this.#checker.published(id);
    }
    const stream = await this.#client.subscribe('streamed', CHANNEL, { credit: count, leaseSeconds: LEASE_SECONDS });
    this.#streamed = await stream.take(count);
    stream.credit(0);
    while (this.#pulled.length < count) {
      this.#pulled.push(...(await this.#client.pull('pulled', CHANNEL, { max: 500, leaseSeconds: LEASE_SECONDS })));
    }
    for (const { id } of [...this.#streamed, ...this.#pulled]) this.#checker.delivered(id);
  }
}
