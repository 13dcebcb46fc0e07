import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { HELD_CODE } from '../../server/src/adapters/ledger-mysql/statements/held.js';
import type { ClusterSpace } from '../support/cluster-space.js';
import type { Gateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { dataFiles } from './data-file.js';

export interface DeadLetter {
  readonly id: string;
  /** As it was published, with body and headers. */
  readonly wire: Buffer;
}

/** What the ledger keeps of the messages that are dead. */
export async function deadLetters(gateway: Gateway, space: ClusterSpace | undefined): Promise<DeadLetter[]> {
  return space === undefined ? inDataFile(gateway) : inMysql(space);
}

async function inMysql({ databaseUrl }: ClusterSpace): Promise<DeadLetter[]> {
  const connection = await createConnection(databaseUrl);
  try {
    const [rows] = await connection.query<(RowDataPacket & { message_id: string; wire: Buffer })[]>(
      `SELECT message_id, wire FROM schedule WHERE state = ${HELD_CODE.dead}`,
    );
    return rows.map(({ message_id: id, wire }) => ({ id, wire }));
  } finally {
    await connection.end();
  }
}

/** The gateway has the file for itself, so a copy is read; one that was made amid a write may be damaged, and throws. */
function inDataFile(gateway: Gateway): DeadLetter[] {
  const { file, log } = dataFiles(gateway);
  const folder = tempFolder('dead-letters');
  try {
    for (const path of [file, log]) cpSync(path, join(folder.path, basename(path)));
    const database = new DatabaseSync(join(folder.path, basename(file)));
    const rows: { message_id: string; wire: Uint8Array }[] = database
      .prepare(`SELECT message_id, wire FROM schedule WHERE state = 'dead'`)
      .all();
    database.close();
    return rows.map(({ message_id: id, wire }) => ({ id, wire: Buffer.from(wire) }));
  } finally {
    folder.remove();
  }
}
