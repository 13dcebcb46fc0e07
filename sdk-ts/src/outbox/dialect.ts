import { InvalidArgumentError } from '../errors.js';

/** The SQL that a database speaks; `mysql` is MariaDB too. */
export type Dialect = 'mysql' | 'postgres' | 'sqlite';

/** The database's clock in Unix milliseconds. In MySQL the way that knows no time zone, so no hour comes twice. */
export const NOW_MS: Readonly<Record<Dialect, string>> = {
  mysql: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000",
  postgres: 'floor(extract(epoch FROM clock_timestamp()) * 1000)',
  sqlite: "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
};

/** What goes before and after an INSERT that leaves a row alone which is there already. */
export const INSERT_MISSING: Readonly<Record<Dialect, readonly [verb: string, suffix: string]>> = {
  mysql: ['INSERT IGNORE', ''],
  postgres: ['INSERT', ' ON CONFLICT DO NOTHING'],
  sqlite: ['INSERT OR IGNORE', ''],
};

const DIALECTS: Readonly<Record<string, Dialect>> = {
  mysql: 'mysql',
  mysql2: 'mysql',
  mariadb: 'mysql',
  postgres: 'postgres',
  postgresql: 'postgres',
  pg: 'postgres',
  cockroachdb: 'postgres',
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
  'better-sqlite3': 'sqlite',
  sqljs: 'sqlite',
};

/** The dialect that a library calls by this name. */
export function dialectNamed(name: unknown): Dialect | undefined {
  return typeof name === 'string' ? DIALECTS[name.toLowerCase()] : undefined;
}

/** Names of tables are written into statements, so they are checked: 1 to 48 letters, digits and underscores, a letter first. */
export function tableName(name: string, option: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(name)) return name;
  const limit = '1 to 48 letters, digits and underscores, a letter first';
  throw new InvalidArgumentError(`${option} is ${JSON.stringify(name)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'OPTION_INVALID',
    field: option,
    limit,
  });
}

/** `?, ?, ?` */
export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

/** PostgreSQL counts its placeholders. No statement of this package has a question mark of another meaning. */
export function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${++count}`);
}
