import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RIGHTS, rightsTo, TokenFile } from '../security/tokens.js';
import { type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { Operator } from './operator.js';
import { ENGINES, useBrowser } from './use-desk.js';

const browser = useBrowser();

describe.each(ENGINES)('the web UI of a gateway of the %s engine that asks for tokens', (engine) => {
  const folder = tempFolder('ui-tokens');
  const tokens = new TokenFile(join(folder.path, 'tokens.json'));
  let group: GatewayGroup;
  let gateway: Gateway;
  let operator: Operator;

  beforeAll(async () => {
    tokens.add('root', rightsTo(RIGHTS, '#'));
    tokens.add('publisher', rightsTo(['publish'], 'orders'));
    tokens.write();
    group = await gatewayGroup(engine);
    gateway = await group.start({ Tokens: tokens.path });
    operator = await Operator.at(gateway, browser());
  });

  afterAll(async () => {
    await operator?.leave();
    await group?.remove();
    folder.remove();
  });

  test('a wrong token is told to be wrong, and shows nothing', async () => {
    await operator.open('/topics');
    await operator.reads('This gateway wants a token');
    await operator.fill('Token', 'wb_not-a-token-of-this-gateway');
    await operator.click('Sign in');
    await operator.reads('Wrong token: the gateway does not know it.');
    expect(await operator.page.getByRole('navigation').count()).toBe(0);
  });

  test('a right one opens the page that was asked for, for this tab, until the operator signs out', async () => {
    await operator.open('/topics');
    await operator.fill('Token', tokens.of('root'));
    await operator.page.keyboard.press('Enter');
    await operator.reads('Nothing yet');
    expect(operator.address()).toBe('/topics');
    await operator.page.reload();
    await operator.reads('Nothing yet');
    await operator.reads('Live · 1 gateway');
    await operator.click('Sign out');
    await operator.page.reload();
    await operator.reads('This gateway wants a token');
  });

  test('one that may not look on is told so, by every view', async () => {
    await operator.open('/topics');
    await operator.fill('Token', tokens.of('publisher'));
    await operator.click('Sign in');
    await operator.reads('Your token may not do this');
    await operator.click('Sign out');
  });

  test('one that is taken back ends the session', async () => {
    await operator.open('/audit');
    await operator.fill('Token', tokens.of('root'));
    await operator.click('Sign in');
    await operator.reads('What operators did');
    tokens.remove('root');
    tokens.write();
    await operator.reads('The gateway no longer takes the token that was used here.');
  });
});
