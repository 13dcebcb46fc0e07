import { type Dialect, dialectNamed, numbered } from '../dialect.js';
import { type Cells, cells, count, type Handle, hasMethods, type Outside, property, type Value } from './handle.js';

/** The client that Prisma gives an interactive transaction, or the client itself. */
export interface Prisma {
  $queryRawUnsafe(sql: string, ...values: Value[]): PromiseLike<unknown>;
  $executeRawUnsafe(sql: string, ...values: Value[]): PromiseLike<number>;
}

/** The handle for what Prisma gives; undefined for anything else. */
export function prismaHandle(tx: unknown): Handle | undefined {
  if (!isPrisma(tx)) return undefined;
  const dialect = dialectNamed(property(tx, '_activeProvider'));
  return dialect === undefined ? undefined : new PrismaHandle(tx, dialect);
}

class PrismaHandle implements Handle {
  constructor(
    readonly client: Prisma,
    readonly dialect: Dialect,
  ) {}

  get outside(): Outside | undefined {
    if (!hasMethods(this.client, '$connect')) return undefined;
    return {
      what: 'the client of Prisma itself',
      instead: 'the client that prisma.$transaction(async (tx) => …) gives',
    };
  }

  async query(sql: string, values: readonly Value[] = []): Promise<readonly Cells[]> {
    return cells(await this.client.$queryRawUnsafe(this.#text(sql), ...values));
  }

  async execute(sql: string, values: readonly Value[] = []): Promise<number> {
    return count(await this.client.$executeRawUnsafe(this.#text(sql), ...values));
  }

  #text(sql: string): string {
    return this.dialect === 'postgres' ? numbered(sql) : sql;
  }
}

function isPrisma(tx: unknown): tx is Prisma {
  return hasMethods(tx, '$queryRawUnsafe', '$executeRawUnsafe');
}
