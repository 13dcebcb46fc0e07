import { create } from '@bufbuild/protobuf';
import { Admin, DeleteTopicRequestSchema } from '@waybill/proto/waybill/v1/admin';
import type { WaybillError } from '../errors.js';
import { type Connection, isUnavailable } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';

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
  const request = create(DeleteTopicRequestSchema, { topic, purge: true });
  await connection.unary(DELETE_TOPIC, request, { timeoutMs, repeat: mayPass });
}

function mayPass(error: WaybillError): boolean {
  return isUnavailable(error) || error.reason === 'CHANNEL_IN_USE';
}
