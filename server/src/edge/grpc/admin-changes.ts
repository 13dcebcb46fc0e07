import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import * as wire from '@waybill/proto/waybill/v1/admin';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import type { Admin } from '../../bus/admin/admin.js';
import { BusError } from '../../model/errors.js';
import { checkChannel, checkPattern, checkTopic } from '../../model/topic.js';
import type { AdminCalls } from './admin-calls.js';
import { fromDead } from './admin-convert.js';
import * as ask from './admin-request.js';

/** The methods of `waybill.v1.Admin` that change one message. */
export function changeMethods(admin: Admin, { answer, note }: AdminCalls): UntypedServiceImplementation {
  return {
    cancelScheduled: answer(
      wire.CancelScheduledResponseSchema,
      async ({ topic, id }: wire.CancelScheduledRequest, call) => {
        checkMessage(topic, id);
        await admin.dead.cancel(topic, id);
        await note(call, 'CancelScheduled', `${topic}/${id}`, 1);
        return {};
      },
    ),
    rescheduleScheduled: answer(
      wire.RescheduleScheduledResponseSchema,
      async ({ topic, id, when }: wire.RescheduleScheduledRequest, call) => {
        checkMessage(topic, id);
        const delayMs = when.case === 'delayMs' ? Number(when.value) : 0;
        const dueTimeMs = when.case === 'dueTimeMs' ? Number(when.value) : 0;
        const dueAt = await admin.dead.reschedule(topic, id, { delayMs, dueTimeMs });
        await note(call, 'RescheduleScheduled', `${topic}/${id} to ${new Date(dueAt).toISOString()}`, 1);
        return { dueTimeMs: BigInt(dueAt) };
      },
    ),
    editDead: answer(wire.EditDeadResponseSchema, async (request: wire.EditDeadRequest, call) => {
      const { topic, id } = request;
      checkMessage(topic, id);
      checkChannel(request.channel, 'channel');
      const channelTopic = request.channelTopic === '' ? topic : request.channelTopic;
      checkPattern(channelTopic, 'channel_topic');
      const changes = inWords(request);
      if (changes.length === 0) throw ask.invalid('body', 'a body, unless headers are set or removed');
      const channel = await admin.channels.find(channelTopic, request.channel);
      const { before, after } = await admin.dead.edit({ topic, id }, channel, (bytes) => edited(bytes, request));
      const bytes = request.body === undefined ? '' : ` (${bodyBytes(before.wire)} bytes before)`;
      await note(call, 'EditDead', `${channelTopic}/${channel.name} ${topic}/${id}: ${changes.join(', ')}${bytes}`, 1);
      return { dead: fromDead(after) };
    }),
  };
}

function checkMessage(topic: string, id: string): void {
  checkTopic(topic, 'topic');
  ask.checkMessageId(id, 'id');
}

function edited(bytes: Uint8Array, { body, setHeaders, removeHeaders }: wire.EditDeadRequest): Uint8Array {
  const message = fromBinary(MessageSchema, bytes);
  if (body !== undefined) message.body = body;
  for (const name of removeHeaders) delete message.headers[name];
  Object.assign(message.headers, setHeaders);
  return toBinary(MessageSchema, message);
}

function bodyBytes(bytes: Uint8Array): number {
  return fromBinary(MessageSchema, bytes).body.length;
}

/** What is changed, without any value: those may be nobody else's to read. */
function inWords({ body, setHeaders, removeHeaders }: wire.EditDeadRequest): string[] {
  const set = Object.keys(setHeaders).sort();
  const both = removeHeaders.find((name) => name in setHeaders);
  if (both !== undefined)
    throw new BusError('HEADER_INVALID', `"${both}" is set and removed`, { field: 'remove_headers' });
  return [
    ...(body === undefined ? [] : [`body of ${body.length} bytes`]),
    ...set.map((name) => `header ${name} set`),
    ...removeHeaders.map((name) => `header ${name} removed`),
  ];
}
