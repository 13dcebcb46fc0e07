import { fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import * as wire from '@waybill/proto/waybill/v1/admin';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import type { CronDesk, CronWish } from '../../bus/admin/cron-desk.js';
import { formatPageToken } from '../../bus/admin/page-token.js';
import { CRON_HEADER } from '../../bus/cron.js';
import { BusError } from '../../model/errors.js';
import { checkTopic, isName, MAX_CHANNEL_LENGTH } from '../../model/topic.js';
import type { CronEntry } from '../../ports/cron.js';
import type { AdminCalls } from './admin-calls.js';
import * as ask from './admin-request.js';
import { checkRange } from './convert.js';

/** An entry's message is read with every list: it is no place for large bodies. */
const MAX_BODY_BYTES = 65_536;
const LISTED_BODY_BYTES = 4_096;
const MAX_PREVIEW = 100;
const DEFAULT_PREVIEW = 5;
const FIELD = 'entry';

/** The methods of `waybill.v1.Admin` for cron entries. */
export function cronMethods(cron: CronDesk, { answer, note, times, caller }: AdminCalls): UntypedServiceImplementation {
  return {
    listCronEntries: answer(wire.ListCronEntriesResponseSchema, async (request: wire.ListCronEntriesRequest, call) => {
      const { topic, prefix } = request;
      if (topic !== '') checkTopic(topic, 'topic');
      ask.checkChannelPrefix(prefix);
      const { rows, next } = await cron.list(
        { topic, prefix },
        ask.toPageAsk(request, [topic, prefix]),
        caller(call).sight('read'),
      );
      const entries = rows.map((entry) => fromEntry(entry, LISTED_BODY_BYTES));
      return { entries, nextPageToken: formatPageToken(next, [topic, prefix]) };
    }),
    getCronEntry: answer(wire.GetCronEntryResponseSchema, async ({ name }: wire.GetCronEntryRequest, call) => {
      checkName(name, 'name');
      return { entry: fromEntry(await cron.get(name, caller(call).sight('read'))) };
    }),
    createCronEntry: answer(
      wire.CreateCronEntryResponseSchema,
      async ({ entry }: wire.CreateCronEntryRequest, call) => {
        const { name, paused, wish } = toWish(entry);
        const made = await cron.create(name, wish, paused, FIELD);
        await note(call, 'CreateCronEntry', inWords(made), 1);
        return { entry: fromEntry(made) };
      },
    ),
    updateCronEntry: answer(
      wire.UpdateCronEntryResponseSchema,
      async ({ entry }: wire.UpdateCronEntryRequest, call) => {
        const { name, wish } = toWish(entry);
        const changed = await cron.update(name, wish, FIELD, caller(call).sight('admin'));
        await note(call, 'UpdateCronEntry', inWords(changed), 1);
        return { entry: fromEntry(changed) };
      },
    ),
    deleteCronEntry: answer(wire.DeleteCronEntryResponseSchema, async ({ name }: wire.DeleteCronEntryRequest, call) => {
      checkName(name, 'name');
      await cron.remove(name, caller(call).sight('admin'));
      await note(call, 'DeleteCronEntry', name, 1);
      return {};
    }),
    pauseCronEntry: answer(wire.PauseCronEntryResponseSchema, async ({ name }: wire.PauseCronEntryRequest, call) => {
      checkName(name, 'name');
      const entry = await cron.pause(name, true, caller(call).sight('admin'));
      await note(call, 'PauseCronEntry', name, 1);
      return { entry: fromEntry(entry) };
    }),
    resumeCronEntry: answer(wire.ResumeCronEntryResponseSchema, async ({ name }: wire.ResumeCronEntryRequest, call) => {
      checkName(name, 'name');
      const entry = await cron.pause(name, false, caller(call).sight('admin'));
      await note(call, 'ResumeCronEntry', name, 1);
      return { entry: fromEntry(entry) };
    }),
    runCronEntry: answer(wire.RunCronEntryResponseSchema, async ({ name }: wire.RunCronEntryRequest, call) => {
      checkName(name, 'name');
      const id = await cron.run(name, times(call).until, caller(call).sight('admin'));
      await note(call, 'RunCronEntry', `${name} as ${id}`, 1);
      return { id };
    }),
    previewCron: answer(wire.PreviewCronResponseSchema, async (request: wire.PreviewCronRequest) => {
      const { after } = ask.toTimes({ afterTimeMs: request.afterTimeMs, beforeTimeMs: 0n });
      const count = request.count === 0 ? DEFAULT_PREVIEW : request.count;
      checkRange('CRON_INVALID', 'count', count, 1, MAX_PREVIEW, 'times');
      return { timesMs: cron.preview(request.expression, request.timeZone, after, count).map(BigInt) };
    }),
  };
}

function toWish(entry: wire.CronEntry | undefined): {
  readonly name: string;
  readonly paused: boolean;
  readonly wish: CronWish;
} {
  if (entry === undefined) throw ask.invalid(FIELD, 'the entry');
  const { name, topic, expression, timeZone, body, headers, key, ttlMs, paused } = entry;
  checkName(name, `${FIELD}.name`);
  checkTopic(topic, `${FIELD}.topic`);
  if (body.length > MAX_BODY_BYTES) {
    const limit = `up to ${MAX_BODY_BYTES} bytes`;
    throw new BusError('BODY_TOO_LARGE', `${FIELD}.body takes ${limit}: it has ${body.length}`, {
      field: `${FIELD}.body`,
      limit,
    });
  }
  const own = Object.keys(headers).find((header) => header.startsWith(CRON_HEADER));
  if (own !== undefined) {
    const limit = `no header that begins with ${CRON_HEADER}`;
    throw new BusError('HEADER_INVALID', `${FIELD}.headers takes ${limit}: "${own}"`, {
      field: `${FIELD}.headers`,
      limit,
    });
  }
  const message = { $typeName: MessageSchema.typeName, id: '', topic, body, headers, key, ttlMs };
  const bytes = toBinary(MessageSchema, { ...message, delayMs: 0n, dueTimeMs: 0n, publishTimeMs: 0n });
  return { name, paused, wish: { topic, expression, zone: timeZone, missed: toMissed(entry.missed), wire: bytes } };
}

function toMissed(missed: wire.CronMissed): CronWish['missed'] {
  switch (missed) {
    case wire.CronMissed.UNSPECIFIED:
    case wire.CronMissed.RUN_ONCE:
      return 'once';
    case wire.CronMissed.SKIP:
      return 'skip';
    default:
      throw ask.invalid(`${FIELD}.missed`, 'RUN_ONCE or SKIP');
  }
}

function fromEntry(entry: CronEntry, bodyBytes = MAX_BODY_BYTES): MessageInitShape<typeof wire.CronEntrySchema> {
  const { name, topic, expression, zone, missed, paused } = entry;
  const { body, headers, key, ttlMs } = fromBinary(MessageSchema, entry.wire);
  return {
    name,
    topic,
    expression,
    timeZone: zone === '' ? 'UTC' : zone,
    body: body.subarray(0, bodyBytes),
    headers,
    key,
    ttlMs,
    missed: missed === 'skip' ? wire.CronMissed.SKIP : wire.CronMissed.RUN_ONCE,
    paused,
    createTimeMs: BigInt(entry.createdAt),
    updateTimeMs: BigInt(entry.updatedAt),
    nextTimeMs: BigInt(entry.nextAt ?? 0),
    lastTimeMs: BigInt(entry.lastAt),
    lastMessageId: entry.lastId,
  };
}

function inWords({ name, topic, expression, zone }: CronEntry): string {
  return `${name} to ${topic}: ${expression}${zone === '' ? '' : ` ${zone}`}`;
}

function checkName(name: string, field: string): void {
  if (isName(name, MAX_CHANNEL_LENGTH)) return;
  const limit = `1 to ${MAX_CHANNEL_LENGTH} characters of A-Z a-z 0-9 . _ : @ -`;
  throw new BusError('CRON_INVALID', `${field} takes ${limit}`, { field, limit });
}
