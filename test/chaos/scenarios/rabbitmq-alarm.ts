import { setTimeout as delay } from 'node:timers/promises';
import type { BusClient } from '../../support/client.js';
import type { RabbitService } from '../../support/services/service.js';
import { plainClient, refused } from '../refusals.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

const BACKLOG = 500;
const BODY_BYTES = 64 * 1024;
/** All that is tried in a minute would be 780 MB. */
const PENDING_BYTES = 8 * 1024 * 1024;

/** The broker stops whoever publishes, and lets consumers go on. */
export const rabbitmqAlarm: Scenario = {
  name: 'rabbitmq-alarm',
  title: 'RabbitMQ blocks publishers (memory alarm) while they go on, and consumers are served',
  engines: ['cluster'],
  async play(stage) {
    const rabbitmq = await stage.borrow('rabbitmq');
    const settings = { DLMExpiration: 1, MaxPendingPublishBytes: PENDING_BYTES };
    const gateway = await stage.gateway(settings, { rabbitmq: rabbitmq.url });
    const witness = Witness.of(stage, gateway);
    const client = plainClient(stage, gateway);
    await client.makeChannel('backlog', 'later');
    for (let n = 0; n < BACKLOG; n++) await client.publishOne({ topic: 'backlog' });
    const mix = { delayed: 0.1, nacked: 0.1 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
    // They want more than the gateway may hold.
    const flood = { topic: 'flood', rate: 200, window: 300, bodyBytes: BODY_BYTES };
    const connect = { maxInFlightBytes: 300 * BODY_BYTES };
    const large = await Traffic.start(stage, [gateway.rpcUrl], { ...flood, connect });
    await Promise.all([traffic.flows(stage.pick(5_000, 500)), large.flows(100)]);

    // Not yet: once it has filled the gateway, the answer to others is OVERLOADED, at once.
    await large.pause();
    await blockPublishers(rabbitmq);
    const alarmed = performance.now();
    await witness.says(['rabbitmq']);
    const took = await refused(client, { topic: 'backlog' }, 2_000);
    if (took < 1_500) throw new Error(`publishers are blocked, and a publish of 2000 ms waited for ${took} ms alone`);
    large.resume();
    await takesAll(client);
    await delay(stage.pick(60_000, 4_000) - (performance.now() - alarmed));
    await unblockPublishers(rabbitmq);

    const recovered = await traffic.recovered();
    await witness.says([]);
    await traffic.flows(stage.pick(2_000, 200));
    const { lost, afterAck } = await large.finish(null);
    if (lost > 0 || afterAck > 0) throw new Error(`of the large messages, ${lost} were lost, ${afterAck} came after`);
    const outcome = await traffic.finish(recovered);
    witness.check();
    return outcome;
  },
};

async function blockPublishers(rabbitmq: RabbitService): Promise<void> {
  await rabbitmq.ctl('set_vm_memory_high_watermark', '0.0000001');
}

async function unblockPublishers(rabbitmq: RabbitService): Promise<void> {
  await rabbitmq.ctl('set_vm_memory_high_watermark', '0.6');
}

/** What lies in the queue is delivered and acked as ever. */
async function takesAll(client: BusClient): Promise<void> {
  for (let taken = 0; taken < BACKLOG; ) {
    const batch = await client.pull('backlog', 'later');
    if (batch.length === 0) throw new Error(`publishers are blocked, and consumers got ${taken} of ${BACKLOG} alone`);
    const statuses = await client.ack(batch.map(({ receipt }) => receipt));
    const wrong = statuses.find((status) => status !== 'ok');
    if (wrong !== undefined) throw new Error(`an ack answered ${wrong} while publishers were blocked`);
    taken += batch.length;
  }
}
