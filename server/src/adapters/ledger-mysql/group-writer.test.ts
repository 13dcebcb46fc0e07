import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BusError } from '../../model/errors.js';
import { GroupWriter } from './group-writer.js';

/** Commits that the test ends one by one. */
class Commits {
  readonly groups: (readonly string[])[] = [];
  readonly #ends: { resolve(outcomes: string[]): void; reject(error: unknown): void }[] = [];

  readonly commit = (items: readonly string[]): Promise<string[]> => {
    this.groups.push(items);
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  };

  /** Ends the oldest that is under way. */
  async end(error?: unknown): Promise<void> {
    const group = this.groups[this.groups.length - this.#ends.length] ?? [];
    const end = this.#ends.shift();
    if (error === undefined) end?.resolve(group.map((item) => `${item}!`));
    else end?.reject(error);
    await turn();
    await turn();
  }
}

function writerOf(commits: Commits, options: { maxItems?: number; maxBytes?: number } = {}) {
  return new GroupWriter<string, string>({
    maxItems: 4,
    maxBytes: 100,
    maxFlights: 2,
    sizeOf: (item) => item.length,
    keyOf: (item) => item.charAt(0),
    commit: commits.commit,
    ...options,
  });
}

test('what is written in one turn shares a commit, and each call gets its own outcomes', async () => {
  const commits = new Commits();
  const writer = writerOf(commits);
  const calls = [writer.write(['a', 'b']), writer.write(['c'])];
  await turn();
  expect(commits.groups).toEqual([['a', 'b', 'c']]);
  await commits.end();
  expect(await Promise.all(calls)).toEqual([['a!', 'b!'], ['c!']]);
});

test('two groups are under way at most; what comes meanwhile gathers', async () => {
  const commits = new Commits();
  const writer = writerOf(commits);
  const calls: Promise<string[]>[] = [];
  for (const item of ['a', 'b', 'c', 'd', 'e']) {
    calls.push(writer.write([item]));
    await turn();
  }
  expect(commits.groups).toEqual([['a'], ['b']]);
  await commits.end();
  expect(commits.groups).toEqual([['a'], ['b'], ['c', 'd', 'e']]);
  await commits.end();
  await commits.end();
  expect((await Promise.all(calls)).flat()).toEqual(['a!', 'b!', 'c!', 'd!', 'e!']);
});

test('a call larger than a group is split, and answered as one', async () => {
  const commits = new Commits();
  const call = writerOf(commits).write(['a', 'b', 'c', 'd', 'e', 'f']);
  await turn();
  await turn();
  expect(commits.groups).toEqual([
    ['a', 'b', 'c', 'd'],
    ['e', 'f'],
  ]);
  await commits.end();
  await commits.end();
  expect(await call).toEqual(['a!', 'b!', 'c!', 'd!', 'e!', 'f!']);
});

test('a group is full when its items reach the size in bytes', async () => {
  const commits = new Commits();
  const writer = writerOf(commits, { maxBytes: 10 });
  void writer.write(['a'.repeat(12), 'b', 'c']);
  await turn();
  await turn();
  expect(commits.groups).toEqual([['a'.repeat(12)], ['b', 'c']]);
});

test('items of one key go in order, one group after the other', async () => {
  const commits = new Commits();
  const writer = writerOf(commits);
  const call = writer.write(['a1', 'b1', 'a2', 'a3']);
  await turn();
  await turn();
  expect(commits.groups).toEqual([['a1', 'b1']]);
  void writer.write(['a4', 'c1']);
  await turn();
  expect(commits.groups).toEqual([['a1', 'b1'], ['c1']]);
  await commits.end();
  await commits.end();
  await commits.end();
  await commits.end();
  expect(commits.groups.flat()).toEqual(['a1', 'b1', 'c1', 'a2', 'a3', 'a4']);
  expect(await call).toEqual(['a1!', 'b1!', 'a2!', 'a3!']);
});

test('in a group that cannot be committed, each call stands alone for its own items', async () => {
  const groups: (readonly string[])[] = [];
  const writer = new GroupWriter<string, string>({
    maxItems: 10,
    maxBytes: 100,
    maxFlights: 1,
    sizeOf: () => 1,
    keyOf: (item) => item,
    commit: async (items) => {
      groups.push(items);
      if (items.includes('bad')) throw new Error('not this one');
      return items.map((item) => `${item}!`);
    },
  });
  const answers = await Promise.allSettled([writer.write(['a', 'b']), writer.write(['bad', 'c']), writer.write(['d'])]);
  expect(answers).toMatchObject([{ value: ['a!', 'b!'] }, { reason: { message: 'not this one' } }, { value: ['d!'] }]);
  expect(groups).toHaveLength(4);
});

test('when the ledger is away no call is tried alone', async () => {
  const commits = new Commits();
  const writer = writerOf(commits);
  const answers = Promise.allSettled([writer.write(['a']), writer.write(['b'])]);
  await turn();
  await commits.end(new BusError('LEDGER_UNAVAILABLE', 'away'));
  expect(commits.groups).toHaveLength(1);
  expect(await answers).toMatchObject([{ reason: { reason: 'LEDGER_UNAVAILABLE' } }, { reason: { message: 'away' } }]);
});

test('close answers what was written before, and takes nothing more', async () => {
  const commits = new Commits();
  const writer = writerOf(commits);
  const call = writer.write(['a1', 'a2']);
  let closed = false;
  const closing = writer.close().then(() => {
    closed = true;
  });
  await expect(writer.write(['b'])).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  await turn();
  await commits.end();
  expect(closed).toBe(false);
  await commits.end();
  expect(await call).toEqual(['a1!', 'a2!']);
  await closing;
  await writer.close();
});
