import { createInbox, type Dialect, inboxTables, type Transaction } from '@waybill/sdk/outbox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Library, MYSQL, type OpenLibrary, POSTGRES } from './libraries.js';
import { mysqlPlace, type Place, postgresPlace } from './places.js';

const DATABASES: readonly [Dialect, () => Promise<Place>, OpenLibrary | undefined][] = [
  ['mysql', mysqlPlace, MYSQL['mysql2/promise']],
  ['postgres', postgresPlace, POSTGRES.pg],
];
const MESSAGE = { topic: 'orders', id: 'm1' };

/** Resolved by hand. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe.each(DATABASES)('%s: two deliveries of one message at the same time', (dialect, makePlace, open) => {
  const inbox = createInbox({ consumer: 'billing' });
  let place: Place;
  let library: Library;

  beforeAll(async () => {
    place = await makePlace();
    for (const statement of inboxTables(dialect)) await place.run(statement);
    if (open === undefined) throw new Error('the library is missing');
    library = await open(place.url);
  });

  afterAll(async () => {
    await library?.close();
    await place?.remove();
  });

  beforeEach(() => place.run('DELETE FROM waybill_inbox'));

  /** The first is in its work when the second begins; answers what became of the second. */
  async function both(endOfFirst: () => void): Promise<string> {
    const [working, end] = [gate(), gate()];
    const first = library.transaction(async (tx: Transaction) => {
      await inbox.once(tx, MESSAGE, async () => {
        working.open();
        await end.opened;
        endOfFirst();
      });
    });
    await working.opened;
    let second = '';
    const other = library.transaction(async (tx: Transaction) => {
      const { done } = await inbox.once(tx, MESSAGE, () => 'done');
      second = done;
    });
    end.open();
    await Promise.all([first.catch(() => undefined), other]);
    return second;
  }

  test('the second waits for the first, and does nothing when that committed', async () => {
    expect(await both(() => {})).toBe('before');
  });

  test('the second does the work when the first rolled back', async () => {
    const failing = () => {
      throw new Error('the work failed');
    };
    expect(await both(failing)).toBe('now');
  });

  test('work in a transaction that is over by its end is not done', async () => {
    const over = ['ROLLBACK', ...(dialect === 'postgres' ? ['SELECT nonsense'] : [])];
    for (const sql of over) {
      const handled = library.transaction(async (tx: Transaction) => {
        const { query } = tx as unknown as { query(sql: string): Promise<unknown> };
        await inbox.once(tx, MESSAGE, async () => {
          await query.call(tx, sql).catch(() => {});
        });
      });
      await expect(handled).rejects.toThrow(/rolled back while|transaction is aborted/);
    }
    await library.transaction(async (tx: Transaction) => {
      expect(await inbox.once(tx, MESSAGE, () => 1)).toEqual({ done: 'now', value: 1 });
    });
  });

  test('other consumers, topics and ids are others', async () => {
    const done: string[] = [];
    await library.transaction(async (tx: Transaction) => {
      for (const consumer of ['billing', 'mail']) {
        for (const topic of ['orders', 'refunds']) {
          const { done: when } = await createInbox({ consumer }).once(tx, { topic, id: 'm1' }, () => undefined);
          done.push(when);
        }
      }
    });
    expect(done).toEqual(['now', 'now', 'now', 'now']);
  });
});
