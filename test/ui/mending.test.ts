import { describe, expect, test } from 'vitest';
import { LockClient } from '../support/lock-client.js';
import { ENGINES, useBrowser, useDesk } from './use-desk.js';

const browser = useBrowser();

describe.each(ENGINES)('what an operator mends on the %s engine', (engine) => {
  const desk = useDesk(engine, browser);

  test('a message is published, found, watched as it dies, mended, redriven, and acked', async () => {
    const { client, operator } = desk();
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
    await operator.click(`Edit ${id}`);
    const save = operator.dialog().getByRole('button', { name: 'Save the change' });
    await operator.page.getByLabel('Body', { exact: true }).waitFor();
    expect(await save.isDisabled()).toBe(true);
    await operator.fill('Body', '{"number":18}');
    await operator.click('Add a header', operator.dialog());
    await operator.fill('Name of header 1', 'mended');
    await operator.fill('Value of header 1', 'yes');
    await save.click();
    await operator.reads(`${id} changed. It is still dead.`);
    await operator.click('Redrive all that fit…');
    await operator.reads('1 dead letter', operator.dialog());
    await operator.click('Redrive', operator.dialog());
    await operator.reads('1 dead letter redriven.');

    const [third] = await client.pull('orders', 'mail', { max: 1 });
    expect(third?.body.toString()).toBe('{"number":18}');
    expect(third?.headers).toEqual({ mended: 'yes' });
    await client.ack([third?.receipt ?? '']);

    await operator.page.goBack();
    await operator.page.getByRole('listitem').filter({ hasText: 'Redriven' }).waitFor();
    await operator.page
      .getByRole('listitem')
      .filter({ hasText: /^Acked/ })
      .waitFor();
  });

  test('a message that waits for its time is made due later, and then cancelled', async () => {
    const { client, operator } = desk();
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

  test('a message that comes by the clock shows when, before it is saved', async () => {
    const { operator } = desk();
    await operator.open('/cron');
    await operator.click('Create an entry…');
    await operator.fill('Name', 'yearly');
    await operator.page.getByLabel('Topic', { exact: true }).last().fill('reports');
    await operator.fill('When', '61 * * * *');
    await operator.page.locator('.effect:not([data-tone])').waitFor();
    await operator.fill('When', '0 12 1 7 *');
    await operator.fill('Time zone', 'UTC');
    // Noon of UTC, on a clock of Berlin in summer.
    await operator.reads(/Next, in your zone: 01 Jul 20\d\d, 14:00:00/, operator.dialog());
    await operator.click('Create', operator.dialog());
    await operator.reads('yearly created.');
    await operator.click('More for yearly');
    await operator.page.getByRole('menuitem', { name: 'Run now…' }).click();
    await operator.click('Publish once', operator.dialog());
    await operator.reads(/^Published /);
    await operator.click('More for yearly');
    await operator.page.getByRole('menuitem', { name: 'Delete…' }).click();
    await operator.reads('Nothing is published to', operator.dialog());
    await operator.click('Delete the entry', operator.dialog());
    await operator.reads('No cron entries');
  });

  test('a lock that is stuck is released when its name is typed', async () => {
    const { gateway, operator } = desk();
    const locks = new LockClient(gateway.rpcUrl);
    const held = await locks.acquire('import', 600_000);
    await operator.open('/locks');
    await operator.click('Release import');
    await operator.reads('check the fencing token', operator.dialog());
    await operator.fill('Type import to confirm', 'import');
    await operator.click('Release the lock', operator.dialog());
    await operator.reads('Nobody holds a lock');
    expect(await locks.release(held?.token ?? '')).toBe(false);
    locks.close();
  });
});
