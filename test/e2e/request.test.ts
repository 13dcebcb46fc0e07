import { Admin } from '@waybill/proto/waybill/v1/admin';
import { connect } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { atTestEnd } from '../support/cleanup.js';
import { type Engine, startGateway } from '../support/gateway.js';

const engines: Engine[] = ['embedded', 'cluster'];

test.each(engines)('requests are answered, and leave no topic of replies behind (%s)', async (engine) => {
  const gateway = await startGateway(engine);
  const admin = new AdminClient(gateway.rpcUrl);
  const [asker, answerer] = await Promise.all([connect(gateway.rpcUrl), connect(gateway.rpcUrl)]);
  atTestEnd(async () => {
    await Promise.all([asker.close(), answerer.close()]);
    admin.close();
  });
  const topicsOfReplies = async () => {
    const { topics } = await admin.call(Admin.method.listTopics, { prefix: 'waybill.replies.' });
    return topics.map(({ name }) => name);
  };

  answerer.serve('prices', 'service', (message) => message.text().length, { concurrency: 10 });
  const replies = await Promise.all(
    ['fig', 'apple', 'banana'].map((fruit) => asker.request('prices', fruit, { timeout: '30s' })),
  );
  expect(replies.map((reply) => reply.json())).toEqual([3, 5, 6]);
  expect(await topicsOfReplies()).toHaveLength(1);
  await asker.close();
  expect(await topicsOfReplies()).toEqual([]);
});

test.each(engines)('a request that expired is not handed out any more (%s)', async (engine) => {
  const gateway = await startGateway(engine);
  const bus = await connect(gateway.rpcUrl);
  atTestEnd(() => bus.close());
  const early = bus.request('prices', 'too late', { timeout: '2s', ttl: 50 });
  await expect(early).rejects.toMatchObject({ reason: 'NO_REPLY' });

  const asked: string[] = [];
  bus.serve('prices', 'service', (message) => {
    asked.push(message.text());
    return 'cheap';
  });
  expect((await bus.request('prices', 'in time', { timeout: '30s' })).text()).toBe('cheap');
  expect(asked).toEqual(['in time']);
});
