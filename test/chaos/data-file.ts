import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Gateway } from '../support/gateway.js';

const IDLE_MS = 10_000;

/** What an embedded gateway keeps its data in, by config `DataFile`'s default: the file and its write-ahead log. */
export function dataFiles({ folder }: Gateway): { readonly file: string; readonly log: string } {
  const file = join(folder, 'waybill.db');
  return { file, log: `${file}-wal` };
}

/** Resolves as soon as something is written to the write-ahead log. */
export async function written(gateway: Gateway): Promise<void> {
  const { log } = dataFiles(gateway);
  const { mtimeNs: before } = statSync(log, { bigint: true });
  const until = performance.now() + IDLE_MS;
  while (statSync(log, { bigint: true }).mtimeNs === before) {
    if (performance.now() > until) throw new Error(`nothing was written for ${IDLE_MS} ms`);
    await new Promise(setImmediate);
  }
}
