import { describe, expect, test } from 'vitest';
import { ENGINES, useBrowser, useDesk } from './use-desk.js';

const browser = useBrowser();

describe.each(ENGINES)('channels of the %s engine in the web UI', (engine) => {
  const desk = useDesk(engine, browser);

  test('one is created, and shows who consumes it', async () => {
    const { client, operator } = desk();
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
    const { client, operator } = desk();
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
    const { client, operator } = desk();
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

  test('what no channel wants yet can be looked at from its topic', async () => {
    const { client, operator } = desk();
    await client.publish([
      { topic: 'typo', id: 'first' },
      { topic: 'typo', id: 'second' },
    ]);
    await operator.open('/topics/typo');
    await operator.reads('2 messages parked.');
    await operator.follow('Show them');
    await operator.row('first').getByText('Parked').waitFor();
    await operator.follow('second');
    await operator.reads('waits for the first channel of its topic');
  });

  test('escape leaves everything as it is', async () => {
    const { client, operator } = desk();
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
    const { client, operator } = desk();
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
