import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChromium } from '../support/chromium.js';
import { BusClient } from '../support/client.js';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { Operator } from './operator.js';

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];

let browser: Browser;

beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

describe.each(ENGINES)('a message on the %s engine, as an operator sees it', (engine) => {
  let group: GatewayGroup;
  let gateway: Gateway;
  let client: BusClient;
  let operator: Operator;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    gateway = await group.start();
    client = new BusClient(gateway.rpcUrl);
    operator = await Operator.at(gateway, browser);
  });

  afterAll(async () => {
    client?.close();
    await operator?.leave();
    await group?.remove();
  });

  test('it is published, found, watched as it dies, redriven, and acked', async () => {
    await client.makeChannel('orders', 'mail', { maxRetries: 3 });

    await operator.open('/publish');
    await operator.fill('Topic', 'orders');
    await operator.fill('Key', 'order-17');
    await operator.fill(/^Body,/, '{"number":17}');
    await operator.click('Publish');
    const link = operator.page.getByRole('status').getByRole('link');
    const id = (await link.textContent()) ?? '';
    expect(id).toMatch(/^[0-9a-f-]{36}$/);

    const [first] = await client.pull('orders', 'mail', { max: 1 });
    await client.nack([first?.receipt ?? ''], 0);
    const [second] = await client.pull('orders', 'mail', { max: 1 });
    await client.reject([second?.receipt ?? ''], 'the address bounced');

    await operator.open('/messages');
    await operator.fill('Id', id);
    await operator.click('Search');
    await operator.row(id).getByText('Dead').waitFor();
    expect(operator.address()).toBe(`/messages?id=${id}`);
    await operator.follow(id);
    const story = operator.page.getByRole('list', { name: /Timeline of Channel orders\/mail/ });
    await operator.reads('Attempt 2', story);
    await operator.reads('the address bounced', story);
    expect(await story.getByRole('listitem').allTextContents()).toEqual([
      expect.stringMatching(/^Accepted/),
      expect.stringMatching(/^Attempt 1Failed, tried again.*took/),
      expect.stringMatching(/^Attempt 2Dead.*the address bounced$/),
      expect.stringMatching(/^Dead.*after it was accepted/),
    ]);
    await operator.reads('"number": 17');
    await operator.page.getByRole('tab', { name: 'Hex' }).click();
    await operator.reads('7b 22 6e 75 6d 62 65 72');

    await operator.follow('Mend or redrive');
    await operator.row(id).waitFor();
    await operator.click('Redrive all that fit…');
    await operator.reads('1 dead letter', operator.dialog());
    await operator.click('Redrive', operator.dialog());
    await operator.reads('1 dead letter redriven.');

    const [third] = await client.pull('orders', 'mail', { max: 1 });
    expect(third?.body.toString()).toBe('{"number":17}');
    await client.ack([third?.receipt ?? '']);

    await operator.page.goBack();
    await operator.page.getByRole('listitem').filter({ hasText: 'Redriven' }).waitFor();
    await operator.page
      .getByRole('listitem')
      .filter({ hasText: /^Acked/ })
      .waitFor();
  });

  test('one that waits for its time is made due later, and then cancelled', async () => {
    await client.makeChannel('reminders', 'mail');
    await client.publishOne({ topic: 'reminders', id: 'tomorrow', body: 'x', delayMs: 86_400_000 });

    await operator.open('/schedule?topic=reminders');
    await operator.row('tomorrow').getByText('Delayed').waitFor();
    await operator.click('More for tomorrow');
    await operator.page.getByRole('menuitem', { name: 'Reschedule…' }).click();
    await operator.fill('New time, in your zone', '2031-03-30T09:00:00');
    await operator.reads('30 Mar 2031, 09:00:00', operator.dialog());
    await operator.click('Reschedule', operator.dialog());
    await operator.reads('tomorrow is due 30 Mar 2031, 09:00:00.');

    await operator.click('More for tomorrow');
    await operator.page.getByRole('menuitem', { name: 'Cancel…' }).click();
    await operator.reads('will be delivered to no channel', operator.dialog());
    await operator.click('Cancel the message', operator.dialog());
    await operator.reads('tomorrow cancelled.');
    await operator.reads('Nothing is scheduled');
    expect(await client.pull('reminders', 'mail', { waitMs: 0 })).toEqual([]);
  });
});
