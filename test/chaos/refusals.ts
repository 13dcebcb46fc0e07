import { status } from '@grpc/grpc-js';
import { BusClient } from '../support/client.js';
import type { Outgoing } from '../support/client-types.js';
import type { Gateway } from '../support/gateway.js';
import type { Stage } from './stage.js';

/** What the answer to a deadline may be late by, on a machine that is busy. */
const LATE_MS = 2_000;

/** A client of one gateway that tries nothing twice, and is closed when the stage ends. */
export function plainClient(stage: Stage, { rpcUrl }: Gateway): BusClient {
  const client = new BusClient(rpcUrl);
  stage.atEnd(async () => client.close());
  return client;
}

/** Throws unless the publish is answered UNAVAILABLE within its deadline. Answers how long that took, in milliseconds. */
export async function refused(client: BusClient, message: Outgoing, deadlineMs: number): Promise<number> {
  const from = performance.now();
  const code = await client.publishOne(message, deadlineMs).then(
    ({ outcome }) => `OK, ${outcome}`,
    (error: unknown) => codeOf(error),
  );
  const took = performance.now() - from;
  if (code !== status.UNAVAILABLE) throw new Error(`a publish should be UNAVAILABLE (14), and its answer is ${code}`);
  if (took > deadlineMs + LATE_MS) throw new Error(`a publish of ${deadlineMs} ms was answered after ${took} ms`);
  return took;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error;
}
