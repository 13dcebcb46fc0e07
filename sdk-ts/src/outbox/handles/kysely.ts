import { randomUUID } from 'node:crypto';
import { type Dialect, dialectNamed, numbered } from '../dialect.js';
import { type Cells, cells, count, type Handle, hasMethods, type Outside, property, type Value } from './handle.js';

/** A transaction of Kysely, or Kysely itself. */
export interface Kysely {
  withoutPlugins(): Kysely;
  executeQuery(query: CompiledQuery): Promise<{ rows: unknown[]; numAffectedRows?: bigint }>;
}

/** What `CompiledQuery.raw` of Kysely makes. */
interface CompiledQuery {
  readonly sql: string;
  readonly parameters: readonly Value[];
  readonly query: {
    readonly kind: 'RawNode';
    readonly sqlFragments: readonly string[];
    readonly parameters: readonly never[];
  };
  readonly queryId: { readonly queryId: string };
}

/** The handle for what Kysely gives; undefined for anything else. */
export function kyselyHandle(tx: unknown): Handle | undefined {
  if (!isKysely(tx)) return undefined;
  const adapter = property(tx.getExecutor(), 'adapter');
  const name = property(property(adapter, 'constructor'), 'name');
  const dialect = typeof name === 'string' ? dialectNamed(name.replace(/Adapter$/, '')) : undefined;
  // Plugins rename columns: these statements are not theirs.
  return dialect === undefined ? undefined : new KyselyHandle(tx.withoutPlugins(), dialect);
}

class KyselyHandle implements Handle {
  constructor(
    readonly kysely: Kysely,
    readonly dialect: Dialect,
  ) {}

  get outside(): Outside | undefined {
    if (property(this.kysely, 'isTransaction') === true) return undefined;
    return { what: 'Kysely itself', instead: 'the transaction that db.transaction().execute() gives' };
  }

  async query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]> {
    return cells((await this.#run(sql, values)).rows);
  }

  async execute(sql: string, values?: readonly Value[]): Promise<number> {
    return count((await this.#run(sql, values)).numAffectedRows ?? 0);
  }

  #run(sql: string, values: readonly Value[] = []) {
    const text = this.dialect === 'postgres' ? numbered(sql) : sql;
    return this.kysely.executeQuery({
      sql: text,
      parameters: values,
      query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
      queryId: { queryId: randomUUID() },
    });
  }
}

function isKysely(tx: unknown): tx is Kysely & { getExecutor(): unknown } {
  return hasMethods(tx, 'executeQuery', 'getExecutor', 'withoutPlugins');
}
