import { DatabaseSync } from '@photostructure/sqlite';
import { createPool } from 'mysql2/promise';
import { Client } from 'pg';
import { ClusterSpace } from '../support/cluster-space.js';
import { tempFolder } from '../support/reaper.js';
import { startPostgres } from './postgres.js';

/** An empty database of some kind. The caller removes it. */
export interface Place {
  readonly url: string;
  run(sql: string): Promise<unknown>;
  remove(): Promise<void>;
}

export async function mysqlPlace(): Promise<Place> {
  const space = await ClusterSpace.create();
  const pool = createPool(space.databaseUrl);
  const remove = async () => {
    await pool.end();
    await space.remove();
  };
  return { url: space.databaseUrl, run: (sql) => pool.query(sql), remove };
}

export async function postgresPlace(): Promise<Place> {
  const server = await startPostgres();
  const client = new Client(server.url);
  await client.connect();
  const remove = async () => {
    await client.end();
    await server.remove();
  };
  return { url: server.url, run: (sql) => client.query(sql), remove };
}

export async function sqlitePlace(): Promise<Place> {
  const folder = tempFolder('outbox');
  const url = `${folder.path}/outbox.db`;
  const database = new DatabaseSync(url, { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL');
  const remove = async () => {
    database.close();
    folder.remove();
  };
  return { url, run: async (sql) => database.exec(sql), remove };
}
