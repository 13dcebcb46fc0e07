import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/schema.js';
import { type Check, fail, ok, reasonOf, warn } from './check.js';

const LEAST_BYTES = 1_073_741_824;

/** The file of the embedded engine and its folder. Nothing is written. */
export async function checkDataFile({ DataFile }: Config): Promise<Check[]> {
  const file = resolve(DataFile);
  const folder = dirname(file);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [
      fail('data file', `${folder}: ${reasonOf(error)}`, 'make the folder, or let the user of the gateway write to it'),
    ];
  }
  return [await checkFile(file), await checkRoom(folder)];
}

async function checkFile(file: string): Promise<Check> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return ok('data file', `${file} is not there yet: the gateway makes it`);
  try {
    await access(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    return fail('data file', reasonOf(error), 'let the user of the gateway read and write it');
  }
  if ((found.mode & 0o004) !== 0) return warn('data file', `${file} may be read by everybody`, `chmod o-rw '${file}'`);
  return ok('data file', `${file}, ${found.size} bytes`);
}

async function checkRoom(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const found = `${Math.floor(free / 1_048_576)} MiB free at ${folder}`;
  return free < LEAST_BYTES ? warn('disk', found, 'make room: a full disk stops publishing') : ok('disk', found);
}
