import { DatabaseSync, type DatabaseSyncInstance, enhance } from '@photostructure/sqlite';
import type { Transaction } from '@waybill/sdk/outbox';
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import knexFor from 'knex';
import { CamelCasePlugin, Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import { createPool as createCallbackPool } from 'mysql2';
import { createPool } from 'mysql2/promise';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { prismaClient } from './prisma-client.mjs';

/** A library as an application uses it: its transactions, and what a relay gets. */
export interface Library {
  readonly database: Transaction;
  /** Commits when the work resolves; rolls back, and rejects, when it rejects. */
  transaction(work: (tx: Transaction) => Promise<void>): Promise<void>;
  close(): Promise<unknown>;
}

export type OpenLibrary = (url: string) => Library | Promise<Library>;

export const MYSQL: Readonly<Record<string, OpenLibrary>> = {
  'mysql2/promise': (url) => {
    const pool = createPool(url);
    return {
      database: pool,
      async transaction(work) {
        const connection = await pool.getConnection();
        await connection.beginTransaction();
        await settle(
          () => work(connection),
          () => connection.commit(),
          () => connection.rollback(),
        ).finally(() => connection.release());
      },
      close: () => pool.end(),
    };
  },
  'mysql2 with callbacks': (url) => {
    const pool = createCallbackPool(url);
    return {
      database: pool,
      async transaction(work) {
        const connection = await new Promise<import('mysql2').PoolConnection>((resolve, reject) => {
          pool.getConnection((error, connected) => (error ? reject(error) : resolve(connected)));
        });
        await connection.promise().beginTransaction();
        await settle(
          () => work(connection),
          () => connection.promise().commit(),
          () => connection.promise().rollback(),
        ).finally(() => connection.release());
      },
      close: () => pool.promise().end(),
    };
  },
  Knex: (url) => ofKnex('mysql2', url),
  Kysely: (url) => ofKysely(new MysqlDialect({ pool: createCallbackPool(url) })),
  Drizzle: (url) => {
    const pool = createPool(url);
    const db = drizzleMysql(pool);
    return { database: db, transaction: (work) => db.transaction(work), close: () => pool.end() };
  },
  TypeORM: (url) => ofTypeOrm(new DataSource({ type: 'mysql', url })),
  Prisma: (url) => {
    const prisma = prismaClient(url);
    return {
      database: prisma,
      transaction: (work) => prisma.$transaction((tx) => work(tx)),
      close: () => prisma.$disconnect(),
    };
  },
};

export const POSTGRES: Readonly<Record<string, OpenLibrary>> = {
  pg: (url) => {
    const pool = new Pool({ connectionString: url });
    return {
      database: pool,
      async transaction(work) {
        const client = await pool.connect();
        await client.query('BEGIN');
        await settle(
          () => work(client),
          () => client.query('COMMIT'),
          () => client.query('ROLLBACK'),
        ).finally(() => client.release());
      },
      close: () => pool.end(),
    };
  },
  Knex: (url) => ofKnex('pg', url),
  Kysely: (url) => ofKysely(new PostgresDialect({ pool: new Pool({ connectionString: url }) })),
  Drizzle: (url) => {
    const pool = new Pool({ connectionString: url });
    const db = drizzlePg(pool);
    return { database: db, transaction: (work) => db.transaction(work), close: () => pool.end() };
  },
  TypeORM: (url) => ofTypeOrm(new DataSource({ type: 'postgres', url })),
};

/** `url` is the path of a file. */
export const SQLITE: Readonly<Record<string, OpenLibrary>> = {
  'node:sqlite': (url) => ofSqlite(new DatabaseSync(url)),
  'better-sqlite3': (url) => ofSqlite(enhance(new DatabaseSync(url))),
};

function ofSqlite(database: DatabaseSyncInstance): Library {
  return {
    database,
    async transaction(work) {
      database.exec('BEGIN IMMEDIATE');
      await settle(
        () => work(database),
        async () => database.exec('COMMIT'),
        async () => database.exec('ROLLBACK'),
      );
    },
    close: async () => database.close(),
  };
}

function ofKnex(client: string, url: string): Library {
  const knex = knexFor({ client, connection: url });
  return { database: knex, transaction: (work) => knex.transaction(work), close: () => knex.destroy() };
}

function ofKysely(dialect: MysqlDialect | PostgresDialect): Library {
  // A plugin that renames columns must not touch the outbox's.
  const db = new Kysely<unknown>({ dialect, plugins: [new CamelCasePlugin()] });
  return { database: db, transaction: (work) => db.transaction().execute(work), close: () => db.destroy() };
}

async function ofTypeOrm(dataSource: DataSource): Promise<Library> {
  await dataSource.initialize();
  return {
    database: dataSource,
    transaction: (work) => dataSource.transaction(work),
    close: () => dataSource.destroy(),
  };
}

async function settle(work: () => Promise<void>, commit: () => Promise<unknown>, rollback: () => Promise<unknown>) {
  try {
    await work();
  } catch (error) {
    await rollback();
    throw error;
  }
  await commit();
}
