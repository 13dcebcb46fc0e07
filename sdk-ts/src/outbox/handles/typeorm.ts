import { type Dialect, dialectNamed, numbered } from '../dialect.js';
import { type Cells, cells, count, type Handle, hasMethods, type Outside, property, type Value } from './handle.js';

/** A QueryRunner of TypeORM, an EntityManager in a transaction, or a DataSource. */
export interface TypeOrm {
  query(sql: string, parameters?: Value[]): Promise<unknown>;
}

interface QueryRunner extends TypeOrm {
  query(sql: string, parameters: Value[], structured?: true): Promise<unknown>;
  release(): Promise<void>;
}

interface DataSource extends TypeOrm {
  createQueryRunner(): QueryRunner;
}

/** The handle for what TypeORM gives; undefined for anything else. */
export function typeormHandle(tx: unknown): Handle | undefined {
  if (isDataSource(tx)) return handleFor(tx, new PerStatement(tx));
  if (isQueryRunner(tx)) return handleFor(dataSourceOf(tx), new OneRunner(tx));
  const runner = property(tx, 'queryRunner');
  if (isQueryRunner(runner)) return handleFor(dataSourceOf(runner), new OneRunner(runner));
  const dataSource = hasMethods(tx, 'query', 'getRepository') ? dataSourceOf(tx) : undefined;
  return isDataSource(dataSource) ? handleFor(dataSource, new PerStatement(dataSource)) : undefined;
}

/** How a statement gets a QueryRunner, the one thing of TypeORM that tells how many rows it changed. */
interface Runners {
  readonly outside: Outside | undefined;
  run(sql: string, values: Value[]): Promise<unknown>;
}

class OneRunner implements Runners {
  constructor(readonly runner: QueryRunner) {}

  get outside(): Outside | undefined {
    if (property(this.runner, 'isTransactionActive') === true) return undefined;
    return {
      what: 'a QueryRunner of TypeORM without a transaction',
      instead: 'one on which startTransaction() was called',
    };
  }

  run(sql: string, values: Value[]): Promise<unknown> {
    return this.runner.query(sql, values, true);
  }
}

class PerStatement implements Runners {
  readonly outside = { what: 'TypeORM itself', instead: 'the EntityManager that dataSource.transaction() gives' };

  constructor(readonly dataSource: DataSource) {}

  async run(sql: string, values: Value[]): Promise<unknown> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return await runner.query(sql, values, true);
    } finally {
      await runner.release();
    }
  }
}

class TypeOrmHandle implements Handle {
  constructor(
    readonly runners: Runners,
    readonly dialect: Dialect,
  ) {}

  get outside(): Outside | undefined {
    return this.runners.outside;
  }

  async query(sql: string, values?: readonly Value[]): Promise<readonly Cells[]> {
    return cells(property(await this.#run(sql, values), 'records'));
  }

  async execute(sql: string, values?: readonly Value[]): Promise<number> {
    const result = await this.#run(sql, values);
    if (this.dialect !== 'sqlite') return count(property(result, 'affected'));
    const [row] = await this.query('SELECT changes() AS changed');
    return count(row?.changed);
  }

  #run(sql: string, values: readonly Value[] = []): Promise<unknown> {
    return this.runners.run(this.dialect === 'postgres' ? numbered(sql) : sql, [...values]);
  }
}

function handleFor(dataSource: unknown, runners: Runners): Handle | undefined {
  const dialect = dialectNamed(property(property(dataSource, 'options'), 'type'));
  return dialect === undefined ? undefined : new TypeOrmHandle(runners, dialect);
}

// It was called `connection` before TypeORM 1.
function dataSourceOf(tx: unknown): unknown {
  return property(tx, 'dataSource') ?? property(tx, 'connection');
}

function isQueryRunner(tx: unknown): tx is QueryRunner {
  return hasMethods(tx, 'query', 'startTransaction', 'release') && dataSourceOf(tx) !== undefined;
}

function isDataSource(tx: unknown): tx is DataSource {
  return hasMethods(tx, 'query', 'createQueryRunner') && property(tx, 'options') !== undefined;
}
