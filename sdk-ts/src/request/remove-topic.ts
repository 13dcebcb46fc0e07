import { create } from '@bufbuild/protobuf';
import { Admin, DeleteTopicRequestSchema } from '@waybill/proto/waybill/v1/admin';
import { Backoff } from '../backoff.js';
import { WaybillError } from '../errors.js';
import type { Connection } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import { pause } from '../pause.js';

const DELETE_TOPIC = methodDefinition(Admin.method.deleteTopic);

/**
 * Deletes a topic with its channels and what they hold. Rejects where the token may not, or no gateway answers in time. A gateway may see
 * its last consumer for a moment after that ended, above all when it was another gateway's: so that is waited for.
 */
export async function removeTopic(
  connection: Pick<Connection, 'unary'>,
  topic: string,
  timeoutMs: number,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  const backoff = new Backoff(10, 500);
  const request = create(DeleteTopicRequestSchema, { topic, purge: true });
  for (;;) {
    const leftMs = Math.max(1, Math.round(end - performance.now()));
    try {
      await connection.unary(DELETE_TOPIC, request, { timeoutMs: leftMs, repeat: false });
      return;
    } catch (error) {
      const wait = backoff.next();
      if (!isInUse(error) || performance.now() + wait >= end) throw error;
      await pause(wait);
    }
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof WaybillError && error.reason === 'CHANNEL_IN_USE';
}
