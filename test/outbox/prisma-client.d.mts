type Values = readonly (string | number | Uint8Array | null)[];

/** As `prisma generate` types it, without models. */
export interface PrismaClient {
  $queryRawUnsafe(sql: string, ...values: Values): Promise<unknown>;
  $executeRawUnsafe(sql: string, ...values: Values): Promise<number>;
  $transaction<T>(work: (tx: Omit<PrismaClient, '$transaction' | '$disconnect'>) => Promise<T>): Promise<T>;
  $disconnect(): Promise<void>;
}

export function prismaClient(databaseUrl: string): PrismaClient;
