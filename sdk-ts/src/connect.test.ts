import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from './connect.js';
import { TestingGateway } from './fixture/gateway.js';

let gateway: TestingGateway;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
});

afterEach(() => gateway.stop());

describe('connect', () => {
  it('sends the token with every stream, asked anew each time', async () => {
    let asked = 0;
    const bus = await connect({ url: gateway.url, token: () => `t${++asked}` });
    const sub = bus.subscribe('orders', 'billing', () => {});
    await sub.ready;
    gateway.breakSubscriptions();
    await gateway.until(() => gateway.opens.length === 2);
    const [first, second] = gateway.opens.map((open) => open.token);
    expect(first).toMatch(/^Bearer t\d+$/);
    expect(second).not.toBe(first);
    await bus.close();
  });

  it('waits for a gateway that is not there yet', async () => {
    const url = gateway.url;
    gateway.cut();
    const connecting = connect(url);
    await gateway.start();
    const bus = await connecting;
    await bus.close();
  });

  it('rejects when the token is refused', async () => {
    gateway.refuseCall = () => ({ code: status.UNAUTHENTICATED, details: 'no', reason: 'TOKEN_INVALID' });
    const bus = await connect({ url: gateway.url, lazy: true });
    await expect(bus.ack('r')).rejects.toMatchObject({ name: 'AccessError', reason: 'TOKEN_INVALID' });
    await bus.close();
  });

  it('two buses of one process do not share a connection', async () => {
    const [one, two] = await Promise.all([connect(gateway.url), connect(gateway.url)]);
    await one.close();
    expect(await two.publish('orders', 'a')).toMatchObject({ outcome: 'parked' });
    await two.close();
  });

  describe('with several addresses', () => {
    const second = new TestingGateway();

    beforeEach(() => second.start());
    afterEach(() => second.stop());

    it('is connected as soon as one of them answers, and to the others when they do', async () => {
      const url = `${gateway.url},no-such-name.invalid:1,localhost:${second.url.split(':')[1]}`;
      gateway.cut();
      const bus = await connect(url);
      const publish = () => bus.publish('orders', 'a');
      expect(await publish()).toMatchObject({ outcome: 'parked' });
      expect(second.publishes).toHaveLength(1);
      await gateway.start();
      second.stop();
      expect(await publish()).toMatchObject({ outcome: 'parked' });
      expect(gateway.publishes).toHaveLength(1);
      await bus.close();
    });

    it('spreads its streams, and opens one that broke at another gateway', async () => {
      const bus = await connect([gateway.url, second.url]);
      const gateways = [gateway, second];
      const streams = () => gateways.map(({ subscribers }) => subscribers);
      await expect
        .poll(async () => {
          const subscription = bus.subscribe('orders', 'billing', () => {});
          await subscription.ready;
          return Math.min(...streams());
        })
        .toBeGreaterThan(0);
      const all = streams().reduce((sum, count) => sum + count, 0);
      second.stop();
      await expect.poll(() => gateway.subscribers).toBe(all);
      await bus.close();
    });

    it('says which did not answer', async () => {
      const url = `${gateway.url},${second.url}`;
      gateway.stop();
      second.stop();
      await expect(connect({ url, deadline: 300 })).rejects.toMatchObject({
        name: 'UnavailableError',
        message: expect.stringContaining(`no gateway answers at ${gateway.url} or ${second.url}`),
      });
    });
  });
});
