import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { Operator } from './operator.js';
import { ENGINES, useBrowser } from './use-desk.js';

const browser = useBrowser();

describe.each(ENGINES)('moving about the web UI of the %s engine', (engine) => {
  let group: GatewayGroup;
  let gateway: Gateway;
  let operator: Operator;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    gateway = await group.start();
    const client = new BusClient(gateway.rpcUrl);
    await client.makeChannel('orders', 'mail');
    await client.publish(['one', 'two'].map((id) => ({ topic: 'orders', id, body: id })));
    for (const { receipt, id } of await client.pull('orders', 'mail', { max: 2 })) {
      await (id === 'one' ? client.ack([receipt]) : client.reject([receipt], 'no'));
    }
    client.close();
  });
  afterAll(() => group?.remove());

  beforeEach(async () => {
    operator = await Operator.at(gateway, browser());
  });
  afterEach(() => operator?.leave());

  test('by keys alone: to the messages, to a filter, to a row, and into it', async () => {
    const { keyboard } = operator.page;
    await operator.open('/');
    await operator.reads('Needs a look');
    await keyboard.press('?');
    await operator.reads('Next row', operator.dialog());
    await keyboard.press('Escape');
    await operator.dialog().waitFor({ state: 'hidden' });

    await keyboard.press('g');
    await keyboard.press('m');
    await operator.row('two').waitFor();
    await keyboard.press('/');
    await keyboard.type('one');
    await keyboard.press('Enter');
    await operator.row('two').waitFor({ state: 'hidden' });
    await operator.row('one').waitFor();
    // Letters that are typed into a field are no shortcuts.
    expect(operator.address()).toBe('/messages?id=one');
    await keyboard.press('Tab');
    await operator.page.getByRole('link', { name: 'one', exact: true }).focus();
    await keyboard.press('Enter');
    await operator.reads('Attempt 1');
    expect(operator.address()).toBe('/messages/orders/one');
  });

  test('back and forward bring the filters back, and a link opens as it was sent', async () => {
    await operator.open('/messages?id=two');
    await operator.row('two').waitFor();
    const field = operator.page.getByLabel('Id', { exact: true });
    expect(await field.inputValue()).toBe('two');
    await field.fill('one');
    await field.press('Enter');
    await operator.row('one').waitFor();
    await operator.page.getByRole('button', { name: 'Any state' }).click();
    await operator.page.getByRole('option', { name: 'Dead', exact: true }).click();
    await operator.reads('No record fits');
    expect(operator.address()).toBe('/messages?id=one&state=dead');

    await operator.page.goBack();
    await operator.row('one').waitFor();
    expect(operator.address()).toBe('/messages?id=one');
    await operator.page.goBack();
    await operator.row('two').waitFor();
    expect(await field.inputValue()).toBe('two');
    await operator.page.goForward();
    await operator.row('one').waitFor();
    expect(await field.inputValue()).toBe('one');
  });

  test('the theme that was chosen stays', async () => {
    await operator.open('/audit');
    await operator.click('Use the dark theme');
    await operator.page.reload();
    await operator.page.getByRole('button', { name: 'Use the light theme' }).waitFor();
    expect(await operator.page.locator('html').getAttribute('data-theme')).toBe('dark');
  });
});
