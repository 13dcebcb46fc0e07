import { FailedPreconditionError, InvalidArgumentError } from '../../errors.js';
import type { Dialect } from '../dialect.js';

/** What a statement's placeholder may stand for. */
export type Value = string | number | Uint8Array | null;

/** A row as the library gives it, by column. */
export type Cells = Readonly<Record<string, unknown>>;

export interface Outside {
  readonly what: string;
  readonly instead: string;
}

/** One way to run statements with `?` for values, whatever library is below. Rejects with what the library rejects with. */
export interface Handle {
  readonly dialect: Dialect;
  /** Set where the handle is surely in no transaction of its caller: what it is, and what to pass instead. */
  readonly outside?: Outside | undefined;
  /** Whether the one connection below has a transaction open just now, where that can be told. */
  readonly inTransaction?: boolean;
  /** The rows of a SELECT. */
  query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]>;
  /** How many rows the statement changed. */
  execute(sql: string, values?: readonly Value[]): Promise<number>;
}

/** A handle of a library that answers at once. */
export interface SyncHandle extends Handle {
  executeSync(sql: string, values?: readonly Value[]): number;
}

/** A statement of a transaction; `rows` says that it is a SELECT. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly Value[];
  readonly rows?: boolean;
}

export interface Answer {
  readonly rows: readonly Cells[];
  readonly changed: number;
}

/**
 * A transaction told step by step, not as a function to await: a database that answers at once runs it without a pause, in
 * which somebody else on the same connection could write into it.
 */
export type Steps<T> = Generator<Statement, T, Answer>;

/** A handle that can open transactions by itself. */
export interface Database extends Handle {
  /** Commits at the end of the steps; rolls back when a statement fails or a step throws. */
  transaction<T>(steps: () => Steps<T>): Promise<T>;
}

/** Runs the steps on a handle whose transaction is open. */
export async function runSteps<T>(handle: Handle, steps: Steps<T>): Promise<T> {
  for (let step = steps.next(); ; ) {
    if (step.done === true) return step.value;
    const { sql, values, rows } = step.value;
    const answer =
      rows === true
        ? { rows: await handle.query(sql, values), changed: 0 }
        : { rows: [], changed: await handle.execute(sql, values) };
    step = steps.next(answer);
  }
}

export function isSync(handle: Handle): handle is SyncHandle {
  return 'executeSync' in handle;
}

export function isDatabase(handle: Handle): handle is Database {
  return 'transaction' in handle;
}

/** Whether the value has methods of these names. */
export function hasMethods(value: unknown, ...names: readonly string[]): value is object {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}

/** A property of something that is known by its shape only. */
export function property(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return Reflect.get(value, name);
}

/** Rows, where a library answers with an array of objects. */
export function cells(rows: unknown): readonly Cells[] {
  return Array.isArray(rows) ? rows.filter((row): row is Cells => typeof row === 'object' && row !== null) : [];
}

/** A count that libraries give as number, bigint or text. */
export function count(value: unknown): number {
  const number = Number(value);
  if (value !== null && value !== undefined && Number.isSafeInteger(number)) return number;
  throw new FailedPreconditionError(`the database answered ${String(value)} where a whole number was expected`, {
    code: 'FAILED_PRECONDITION',
    reason: 'DATABASE_ANSWER',
  });
}

/** Throws when what was written on the handle would be no part of the caller's transaction. */
export function requireTransaction({ outside }: Handle): void {
  if (outside === undefined) return;
  const { what, instead } = outside;
  throw new InvalidArgumentError(`tx is ${what}, which is in no transaction: pass ${instead}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'TRANSACTION_INVALID',
    field: 'tx',
    limit: instead,
  });
}
