import { hasMethods, property } from './handle.js';

/** A transaction of Drizzle, or its database. */
export interface Drizzle {
  transaction(work: never, ...rest: never[]): unknown;
}

/** What Drizzle runs its statements on: a connection of mysql2, a client of pg, a database of SQLite. Undefined for anything else. */
export function driverOfDrizzle(tx: unknown): unknown {
  if (!hasMethods(tx, 'transaction', 'select') || property(tx, 'dialect') === undefined) return undefined;
  return property(property(tx, 'session'), 'client');
}
