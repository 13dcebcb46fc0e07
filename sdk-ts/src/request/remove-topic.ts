import { create } from '@bufbuild/protobuf';
import { Admin, DeleteTopicRequestSchema } from '@waybill/proto/waybill/v1/admin';
import type { Connection } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';

const DELETE_TOPIC = methodDefinition(Admin.method.deleteTopic);

/** Deletes a topic with its channels and what they hold. Rejects where the token may not, or no gateway answers in time. */
export async function removeTopic(connection: Connection, topic: string, timeoutMs: number): Promise<void> {
  await connection.unary(DELETE_TOPIC, create(DeleteTopicRequestSchema, { topic, purge: true }), {
    timeoutMs,
    repeat: false,
  });
}
