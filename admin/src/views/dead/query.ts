import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DeadLetter, DeadQuerySchema } from '@waybill/proto/waybill/v1/admin';
import { msOf } from '../../text/time.js';

export type DeadQuery = MessageInitShape<typeof DeadQuerySchema>;

/** As the URL says it. */
export interface DeadFilters {
  readonly topic?: string;
  readonly channel?: string;
  readonly reason?: string;
  readonly ids?: string;
  readonly after?: string;
  readonly before?: string;
}

export function queryFrom({ topic = '', channel = '', reason = '', ids = '', after, before }: DeadFilters): DeadQuery {
  return {
    topic,
    channel,
    ids: ids.split(/[\s,]+/).filter((id) => id !== ''),
    reasonContains: reason,
    afterTimeMs: BigInt(msOf(after)),
    beforeTimeMs: BigInt(msOf(before)),
  };
}

/** Exactly these: one query for each channel that they died on. */
export function queriesOf(letters: readonly DeadLetter[]): readonly DeadQuery[] {
  const groups = new Map<string, { topic: string; channel: string; ids: string[] }>();
  for (const { topic, channel, id } of letters) {
    const name = `${topic} ${channel}`;
    const group = groups.get(name) ?? { topic, channel, ids: [] };
    group.ids.push(id);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** What a query hits, for the question before it. */
export function queryText({ topic, channel, reason, ids, after, before }: DeadFilters): string {
  const parts = [
    topic && `of the topic ${topic}`,
    channel && `of channels named ${channel}`,
    ids && `with the ids ${ids}`,
    reason && `with “${reason}” in the reason`,
    after && `that died at ${after} or later`,
    before && `that died before ${before}`,
  ].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? 'all dead letters of this bus' : `dead letters ${parts.join(', ')}`;
}
