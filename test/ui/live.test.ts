import { describe, expect, test } from 'vitest';
import { keepScreenshot, takesScreenshots } from './screenshots.js';
import { ENGINES, useBrowser, useDesk } from './use-desk.js';

/** A picture of the charts wants some history in them. */
const PICTURE_TRAFFIC_MS = takesScreenshots ? 60_000 : 0;

const browser = useBrowser();

describe.each(ENGINES)('the overview of a gateway of the %s engine', (engine) => {
  const desk = useDesk(engine, browser, { RetryTimes: 1, NackdJobNextRunDelaySeconds: 1 });

  test('figures move while messages flow, and a channel in trouble is named', { timeout: 180_000 }, async () => {
    const { client, operator } = desk();
    await client.makeChannel('orders', 'mail');
    await operator.open('/');
    await operator.reads('All is well');
    await traffic();
    const rates = operator.page.getByRole('region', { name: 'Rates' });
    await rates
      .getByText(/^[1-9][\d,]* since start$/)
      .first()
      .waitFor();
    const [one] = await client.pull('orders', 'mail', { max: 1 });
    await client.reject([one?.receipt ?? '']);
    await operator
      .row('orders/mail')
      .getByText(/[1-9]\d* dead letters?/)
      .waitFor();
    if (engine === 'embedded') await keepScreenshot(operator, 'overview');
    await operator.page.getByRole('link', { name: /^Dead letters [1-9]\d*$/ }).waitFor();
  });

  test('a gateway that is away is told at once, old figures are marked, and it comes back by itself', async () => {
    const { gateway, operator } = desk();
    await operator.open('/');
    await operator.reads('Live · 1 gateway');
    await gateway.kill();
    await operator.page.getByRole('alert').filter({ hasText: 'The gateway does not answer.' }).first().waitFor();
    await operator.reads(/Figures are .* old\./);
    expect(await operator.page.locator('[data-stale]').count()).toBeGreaterThan(0);
    await operator.page.keyboard.press('g');
    await operator.page.keyboard.press('n');
    await operator.page.getByRole('alert').filter({ hasText: 'This page asks again by itself.' }).waitFor();
    await gateway.start();
    await operator.reads('Live · 1 gateway');
    await operator.reads('Every shard has a gateway.');
  });

  /** At least one message; for a picture, waves of them. */
  async function traffic(): Promise<void> {
    const { client, operator } = desk();
    const lastsMs = engine === 'embedded' ? PICTURE_TRAFFIC_MS : 0;
    const end = Date.now() + lastsMs;
    let wave = 0;
    do {
      const size = 12 + Math.round(10 * Math.sin(wave++ / 9));
      await client.publish(Array.from({ length: size }, () => ({ topic: 'orders', body: '{}' })));
      const taken = await client.pull('orders', 'mail', { max: wave % 11 === 0 ? 1 : size });
      const receipts = taken.map(({ receipt }) => receipt);
      if (wave % 7 === 0) await client.nack(receipts.splice(0, 2));
      if (receipts.length > 0) await client.ack(receipts);
      if (lastsMs > 0) await operator.page.waitForTimeout(150);
    } while (Date.now() < end);
    await client.publishOne({ topic: 'orders', body: '{}' });
  }
});
