import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@waybill/sdk';
import { until } from '../../support/until.js';
import { type DeadLetter, deadLetters } from '../dead-letters.js';
import { need, needNone } from '../need.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

const RETRIES = 3;
const BURST = 500;
const WAIT_MS = 90_000;
const BODY = 'this one breaks whoever handles it';

/**
 * RabbitMQ counts a crash of its client against every message that the client had prefetched. Here the ledger counts, and only
 * hand-outs: good messages outlive any number of gateways, in whichever buffer they are, and poison does not.
 */
export const poisonMessage: Scenario = {
  name: 'poison-message',
  title: 'poison among good messages, a large prefetch and credit, and 25 gateways killed: only the poison is dead',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const group = await stage.group();
    const gateway = await group.start({ DLMExpiration: 1, PrefetchCount: 2_000, MaxCredit: 2_000 });
    const poisonous = new Set<string>();
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], {
      rate: 300,
      workMs: 50,
      poison: ({ id }) => poisonous.has(id),
      subscribe: { concurrency: 40, credit: 1_000, retry: { maxRetries: RETRIES, backoff: 500 } },
    });
    const bus = await connect({ url: gateway.rpcUrl, deadline: 60_000 });
    stage.atEnd(() => bus.close());
    let recovered = 0;
    for (let kill = 1; kill <= stage.pick(25, 3); kill++) {
      // More than the handlers can do before the kill: most of it lies in buffers then, the gateway's and the consumer's.
      const ids = Array.from({ length: BURST }, () => randomUUID());
      for (const id of ids.slice(BURST / 2, BURST / 2 + 1)) poisonous.add(id);
      const burst = ids.map((id) => ({ body: poisonous.has(id) ? BODY : 'good', id }));
      for (const { id } of await bus.publishMany('work', burst)) traffic.checker.published(id);
      await delay(Math.random() * 300);
      await gateway.kill();
      await gateway.start();
      recovered = Math.max(recovered, await traffic.recovered());
    }
    // No more is published from here on, so that the poison is not behind it all.
    const [outcome, dead] = await Promise.all([
      traffic.finish(recovered, WAIT_MS),
      until(async () => {
        const letters = await deadLetters(gateway, group.space);
        for (const { id } of letters) traffic.checker.dead(id);
        needNone(
          [...poisonous].filter((id) => !letters.some((letter) => letter.id === id)),
          'poison is not dead',
        );
        return letters;
      }, WAIT_MS),
    ]);
    judge(dead, poisonous);
    return outcome;
  },
};

function judge(dead: readonly DeadLetter[], poisonous: ReadonlySet<string>): void {
  needNone(
    dead.filter(({ id }) => !poisonous.has(id)).map(({ id }) => id),
    'good messages are dead',
  );
  need(
    dead.every(({ wire }) => wire.includes(BODY)),
    'a dead letter lost its body',
  );
}
