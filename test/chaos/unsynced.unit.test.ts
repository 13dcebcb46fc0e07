import { expect, test } from 'vitest';
import { unsyncedIn } from './unsynced.js';

const LOG = '/data/waybill.db-wal';
const FILE = '/data/waybill.db';

const write = (path: string, at: number) => `41  pwrite64(22<${path}>, ""..., 4096, ${at}) = 4096`;
const sync = (path: string) => `41  fdatasync(22<${path}>)     = 0`;

test('what was written is unsynced until a sync of the same file has ended', () => {
  const trace = [write(LOG, 0), write(FILE, 4096), sync(LOG), write(LOG, 4096), write(LOG, 8192), ''].join('\n');
  expect(unsyncedIn(trace)).toEqual(
    new Map([
      [FILE, [{ at: 4096, length: 4096 }]],
      [
        LOG,
        [
          { at: 4096, length: 4096 },
          { at: 8192, length: 4096 },
        ],
      ],
    ]),
  );
});

test('a sync that failed, or that was not seen to end, has synced nothing', () => {
  const failed = `41  fsync(22<${LOG}>) = -1 EIO (Input/output error)`;
  const begun = `41  fdatasync(22<${LOG}> <unfinished ...>`;
  expect(unsyncedIn([write(LOG, 0), failed, begun].join('\n')).get(LOG)).toHaveLength(1);
});

test('a sync that another thread stands in the middle of counts from its end', () => {
  const begun = `41  fdatasync(22<${LOG}> <unfinished ...>`;
  const other = `42  fsync(9</elsewhere>) = 0`;
  const ended = '41  <... fdatasync resumed>)           = 0';
  expect(unsyncedIn([write(LOG, 0), begun, other, ended].join('\n')).get(LOG)).toBeUndefined();
});

test('a write that was not seen to end may have been made', () => {
  const begun = `41  pwrite64(22<${LOG}>, ""..., 24, 512 <unfinished ...>`;
  expect(unsyncedIn(begun).get(LOG)).toEqual([{ at: 512, length: 24 }]);
});
