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

describe.each(ENGINES)('channels of the %s engine in the web UI', (engine) => {
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

  test('one is created, and shows who consumes it', async () => {
    await operator.open('/topics');
    await operator.reads('Nothing yet');
    await operator.click('Create a channel…');
    await operator.fill('Topic or pattern', 'parcels');
    await operator.fill('Channel', 'weigh');
    await operator.fill('Retries', '4');
    await operator.fill('Delay before a retry', '90s');
    await operator.click('Create', operator.dialog());
    await operator.reads('parcels/weigh is there.');
    await operator.follow('parcels/weigh');
    await operator.reads('4 retries, 1 min 30 s apart');
    await operator.reads('Nobody consumes');

    const consumer = await client.subscribe('parcels', 'weigh', { consumer: 'scale-7', credit: 12 });
    await operator.row('scale-7').getByText('12').waitFor();
    await consumer.close();
  });

  test('paused from its row, it hands out nothing until it is resumed', async () => {
    await client.makeChannel('orders', 'pack');
    await operator.open('/topics');
    await operator.click('Pause orders/pack');
    await operator.row('orders/pack').getByText('Paused').waitFor();
    await client.publishOne({ topic: 'orders', body: 'held' });
    expect(await client.pull('orders', 'pack', { waitMs: 300 })).toEqual([]);

    const waiting = client.pull('orders', 'pack', { waitMs: 20_000 });
    await operator.click('Resume orders/pack');
    expect((await waiting).map(({ body }) => body.toString())).toEqual(['held']);
    await operator.page.getByRole('button', { name: 'Pause orders/pack' }).waitFor();
  });

  test('a purge says what it will hit, and wants the name typed', async () => {
    await client.makeChannel('events', 'archive');
    await client.publish([1, 2, 3].map((n) => ({ topic: 'events', body: `${n}` })));
    await operator.open('/topics/events/archive');
    await operator.click('Purge…');
    // A broker counts what it carries, and one of its messages may carry many.
    await operator.reads(engine === 'embedded' ? '3 ready messages' : /[1-3] ready messages?/, operator.dialog());
    const purge = operator.dialog().getByRole('button', { name: 'Purge' });
    expect(await purge.isDisabled()).toBe(true);
    await operator.fill('Type events/archive to confirm', 'events/archiv');
    expect(await purge.isDisabled()).toBe(true);
    await operator.fill('Type events/archive to confirm', 'events/archive');
    await purge.click();
    await operator.reads('3 of events/archive purged.');
    expect(await client.pull('events', 'archive', { waitMs: 0 })).toEqual([]);

    await operator.open('/audit');
    await operator.row('events/archive').getByText('PurgeChannel').waitFor();
  });

  test('escape leaves everything as it is', async () => {
    await client.makeChannel('keep', 'me');
    await operator.open('/topics/keep');
    await operator.click('Delete…');
    await operator.reads('1 channel', operator.dialog());
    await operator.fill('Type keep to confirm', 'keep');
    await operator.page.keyboard.press('Escape');
    await operator.dialog().waitFor({ state: 'hidden' });
    await operator.page.reload();
    await operator.row('keep/me').waitFor();
  });

  test('a topic is deleted with its channels when its name is typed', async () => {
    await client.makeChannel('old', 'one');
    await operator.open('/topics/old');
    await operator.click('Delete…');
    await operator.fill('Type old to confirm', 'old');
    await operator.click('Delete the topic', operator.dialog());
    await operator.reads('old deleted.');
    await operator.page.waitForURL('**/admin/topics');
    await operator.row('keep/me').waitFor();
    expect(await operator.row('old/one').count()).toBe(0);
  });
});
