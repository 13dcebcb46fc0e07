import { AxeBuilder } from '@axe-core/playwright';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { BusClient } from '../support/client.js';
import { type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { LockClient } from '../support/lock-client.js';
import { Operator, PHONE } from './operator.js';
import { keepScreenshot } from './screenshots.js';
import { useBrowser } from './use-desk.js';

/** A view with something in it, and what tells that it is there. */
interface View {
  readonly path: string;
  readonly shows: string | RegExp;
  /** The name of a picture in the documentation, by theme. */
  readonly picture?: { readonly light?: string; readonly dark?: string };
}

const VIEWS: readonly View[] = [
  { path: '/', shows: 'Needs a look' },
  { path: '/topics', shows: 'orders/mail' },
  { path: '/topics/orders', shows: 'orders/mail' },
  { path: '/topics/orders/mail', shows: 'printer-2' },
  { path: '/messages', shows: 'Acked' },
  { path: '/messages/orders/order-3', shows: 'Attempt 1', picture: { light: 'message' } },
  { path: '/messages/orders/no-such', shows: 'Not found' },
  { path: '/schedule', shows: 'order-later' },
  { path: '/dead', shows: 'order-3' },
  { path: '/dead?topic=nothing', shows: 'No dead letters' },
  { path: '/nodes', shows: 'Every shard has a gateway.' },
  { path: '/cron', shows: 'nightly' },
  { path: '/locks', shows: 'nightly-report' },
  { path: '/connections', shows: '127.0.0.1' },
  { path: '/audit', shows: 'PauseChannel' },
  { path: '/publish', shows: 'Add a header' },
  { path: '/no/such/view', shows: 'There is no view at this address' },
];

const browser = useBrowser();
let group: GatewayGroup;
let gateway: Gateway;
let client: BusClient;
let locks: LockClient;
let admin: AdminClient;

beforeAll(async () => {
  group = await gatewayGroup('embedded');
  gateway = await group.start();
  client = new BusClient(gateway.rpcUrl);
  locks = new LockClient(gateway.rpcUrl);
  admin = new AdminClient(gateway.rpcUrl);
  await fill();
});

afterAll(async () => {
  client?.close();
  locks?.close();
  admin?.close();
  await group?.remove();
});

/** Something of each kind. */
async function fill(): Promise<void> {
  await client.makeChannel('orders', 'mail');
  await client.makeChannel('orders', 'billing');
  await client.makeChannel('orders', 'archive');
  const orders = Array.from({ length: 12 }, (_, n) => ({
    topic: 'orders',
    id: `order-${n}`,
    key: `customer-${n % 4}`,
    headers: { source: 'shop', 'content-type': 'application/json' },
    body: JSON.stringify({ number: n, total: n * 12.5, lines: [{ sku: 'A-100', quantity: n + 1 }] }),
  }));
  await client.publish(orders);
  await client.publishOne({ topic: 'orders', id: 'order-later', key: 'customer-9', body: '{}', delayMs: 3_600_000 });
  await client.publishOne({ topic: 'returns', id: 'return-1', body: 'nobody wants it yet' });
  for (const channel of ['mail', 'billing']) {
    for (const { receipt, id } of await client.pull('orders', channel, { max: 12 })) {
      const failed = channel === 'mail' && Number(id.slice('order-'.length)) % 3 === 0;
      if (failed) await client.reject([receipt], '550 5.1.1 no such mailbox');
      else await client.ack([receipt]);
    }
  }
  await client.subscribe('orders', 'mail', { consumer: 'printer-2', credit: 4 });
  await admin.call(Admin.method.pauseChannel, { topic: 'orders', channel: 'archive' });
  await locks.acquire('nightly-report', 600_000);
  const entry = { name: 'nightly', topic: 'reports', expression: '30 2 * * *', timeZone: 'Europe/Berlin' };
  await admin.call(Admin.method.createCronEntry, { entry });
}

describe('on a desk', () => {
  let operator: Operator;

  beforeAll(async () => {
    operator = await Operator.at(gateway, browser());
  });
  afterAll(() => operator?.leave());

  test.each(VIEWS)('$path has no fault that axe finds, light and dark', async ({ path, shows, picture }) => {
    await operator.open(path);
    await operator.reads(shows);
    await faultless(operator, path, picture);
  });

  test('a question and the overview of keys have none either', async () => {
    await operator.open('/dead');
    await operator.click('Redrive all that fit…');
    await operator.reads('4 dead letters', operator.dialog());
    await faultless(operator, 'a question', { dark: 'redrive' });
    await operator.page.keyboard.press('Escape');
    await operator.dialog().waitFor({ state: 'hidden' });
    await operator.page.keyboard.press('?');
    await operator.reads('On the page', operator.dialog());
    await faultless(operator, 'the overview of keys');
  });
});

describe('on a phone', () => {
  let operator: Operator;

  beforeAll(async () => {
    operator = await Operator.at(gateway, browser(), PHONE);
  });
  afterAll(() => operator?.leave());

  test.each(VIEWS)('$path reaches beyond no side', async ({ path, shows }) => {
    await operator.open(path);
    await operator.reads(shows);
    expect(await operator.page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);
  });

  test('the menu leads to a view, and is out of the way then', async () => {
    await operator.open('/dead');
    await operator.click('Menu');
    await operator.follow('Schedule');
    await operator.row('order-later').waitFor();
    expect(operator.address()).toBe('/schedule');
    expect(await operator.page.getByRole('link', { name: 'Audit log' }).isVisible()).toBe(false);
  });
});

/** In both themes: the page goes with the system's as long as the operator chose none. */
async function faultless(operator: Operator, what: string, picture: View['picture'] = {}): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await operator.page.emulateMedia({ colorScheme: theme });
    await operator.page.locator(`html[data-theme="${theme}"]`).waitFor();
    // The page has no frames, so axe needs no second page to put their results together.
    const axe = new AxeBuilder({ page: operator.page }).setLegacyMode(true);
    // In the other theme, colours alone are others.
    const { violations } = await (theme === 'light' ? axe : axe.withRules(['color-contrast'])).analyze();
    const faults = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
    expect(faults, `${what}, ${theme}`).toEqual([]);
    const name = picture[theme];
    if (name !== undefined) await keepScreenshot(operator, name);
  }
  await operator.page.emulateMedia({ colorScheme: 'light' });
}
