import { InvalidArgumentError } from '../../errors.js';
import { type Drizzle, driverOfDrizzle } from './drizzle.js';
import { type Database, type Handle, isDatabase, isSync, type SyncHandle } from './handle.js';
import { type Knex, knexHandle } from './knex.js';
import { type Kysely, kyselyHandle } from './kysely.js';
import { type Mysql2, type Mysql2Callback, mysql2Handle } from './mysql2.js';
import { type Pg, pgHandle } from './pg.js';
import { type Prisma, prismaHandle } from './prisma.js';
import { type Sqlite, sqliteHandle } from './sqlite.js';
import { type TypeOrm, typeormHandle } from './typeorm.js';

// What builds queries first: it often has the methods of a driver too.
const RECOGNISERS: readonly ((tx: unknown) => Handle | undefined)[] = [
  knexHandle,
  kyselyHandle,
  prismaHandle,
  typeormHandle,
  pgHandle,
  mysql2Handle,
  sqliteHandle,
];

/** What the application's library gives for its open transaction; recognised by its shape. */
export type Transaction = Mysql2 | Mysql2Callback | Pg | Sqlite | Knex | Kysely | Drizzle | Prisma | TypeOrm;

const TAKES = 'a handle of mysql2, better-sqlite3, node:sqlite, pg, Knex, Kysely, Drizzle, Prisma or TypeORM';

/** Wraps what the application's library gives. Throws InvalidArgumentError for what is none of those that are known. */
export function handleOf(tx: unknown, field: string): Handle {
  const driver = driverOfDrizzle(tx) ?? tx;
  for (const recognise of RECOGNISERS) {
    const handle = recognise(driver);
    if (handle !== undefined) return handle;
  }
  throw unknown(field, TAKES);
}

/** The same for a database that answers at once. */
export function syncHandleOf(tx: unknown, field: string): SyncHandle {
  const handle = handleOf(tx, field);
  if (isSync(handle)) return handle;
  throw unknown(field, 'a database of better-sqlite3, node:sqlite or @photostructure/sqlite');
}

/** The same for one that opens transactions by itself. */
export function databaseOf(database: unknown, field: string): Database {
  const handle = handleOf(database, field);
  if (isDatabase(handle)) return handle;
  throw unknown(field, 'a pool of mysql2 or pg, or a database of SQLite');
}

function unknown(field: string, limit: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is nothing that is known here: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'TRANSACTION_INVALID',
    field,
    limit,
  });
}
