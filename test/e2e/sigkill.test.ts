import { randomInt } from 'node:crypto';
import { type Bus, connect, type Message } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { type Engine, startGateway } from '../support/gateway.js';
import { SetChecker } from '../support/set-checker.js';

const MESSAGES = 20_000;
const KILLS = 5;
/** Publishes under way at any time; small, so that the kills meet many of them. */
const WINDOW = 500;
const TEST_MS = 120_000;
const STEP_MS = 60_000;

const engines: readonly Engine[] = ['embedded', 'cluster'];

/**
 * One gateway, killed again and again while the same clients go on: what they do to heal is the SDK's affair alone. The test
 * publishes each message once and acks each delivery once more only if the outcome of its ack is not known.
 */
test.each(engines)(
  'a SIGKILL of the gateway in the middle of 20,000 messages loses none, on the %s engine',
  async (engine) => {
    const gateway = await startGateway(engine, { DLMExpiration: 1 });
    const checker = new SetChecker();
    const bus = await connect({ url: gateway.rpcUrl, deadline: STEP_MS });
    const acks: Promise<void>[] = [];
    const subscription = bus.subscribe(
      'orders',
      'billing',
      (message) => {
        checker.delivered(message.id);
        const acking = ack(bus, message, checker);
        acks.push(acking);
        return acking;
      },
      { concurrency: 200, credit: 1_000, settle: 'manual', retry: { maxRetries: 100, backoff: 0 } },
    );
    await subscription.ready;

    const publishing = publishAll(bus, checker);
    for (let kill = 1; kill <= KILLS; kill++) {
      // Spread over the whole run, at a random point of each part.
      const point = Math.floor(((kill - 1 + randomInt(1, 100) / 100) * MESSAGES) / (KILLS + 1));
      await checker.until(({ published }) => published >= point, STEP_MS);
      await gateway.kill();
      await gateway.start();
    }
    await publishing;
    await checker.until(({ lost }) => lost === 0, STEP_MS).catch(() => {});
    await bus.close();
    await Promise.all(acks);

    const { published, acked, lost, duplicated, afterAck } = checker.report;
    console.log(`sigkill ${engine}: published ${published} acked ${acked} lost ${lost} duplicated ${duplicated}`);
    expect(checker.report).toMatchObject({ published: MESSAGES, acked: MESSAGES, lost: 0 });
    expect(afterAck, 'delivered after their ack').toBe(0);
  },
  TEST_MS,
);

async function publishAll(bus: Bus, checker: SetChecker): Promise<void> {
  let next = 0;
  const publishOnAndOn = async () => {
    while (next < MESSAGES) checker.published((await bus.publish('orders', { number: next++ })).id);
  };
  await Promise.all(Array.from({ length: WINDOW }, publishOnAndOn));
}

async function ack(bus: Bus, message: Message, checker: SetChecker): Promise<void> {
  try {
    await message.ack();
    checker.acked(message.id);
  } catch {
    // Refused, and it comes again; or not known, and then the same ack once more tells.
    const [result] = await bus.ack(message.receipt).catch(() => []);
    if (result?.status === 'ok') checker.acked(message.id);
  }
}
