import {
  type FindMessagesRequest,
  MessageState,
  type DeadQuery as WireDeadQuery,
} from '@waybill/proto/waybill/v1/admin';
import type { DeadQuery } from '../../bus/admin/dead-desk.js';
import type { MessageFilter } from '../../bus/admin/message-desk.js';
import { parsePageToken } from '../../bus/admin/page-token.js';
import { BusError } from '../../model/errors.js';
import { MAX_ID_LENGTH, MAX_KEY_LENGTH } from '../../model/message.js';
import { isVisibleAscii } from '../../model/message-codec.js';
import { headerTerm, keyTerm, type SearchTerm } from '../../model/search-term.js';
import { checkChannel, checkPattern, checkTopic, MAX_CHANNEL_LENGTH, MAX_TOPIC_LENGTH } from '../../model/topic.js';
import type { ViewState } from '../../ports/inspector.js';
import type { PageAsk } from '../../ports/page.js';
import { checkRange } from './convert.js';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const MAX_IDS = 1_000;
const MAX_CHANGES = 1_000_000;
const DEFAULT_CHANGES = 1_000;
const MAX_PER_SECOND = 100_000;
const MAX_REASON_LENGTH = 256;
/** What a JavaScript date can be: times are kept as numbers. */
const MAX_TIME_MS = 8_640_000_000_000_000;
const MAX_BODY_BYTES = 1_073_741_824;
const MIN_INTERVAL_MS = 250;
const MAX_INTERVAL_MS = 60_000;

interface PageFields {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** `filter` is what else the request says: a token belongs to it. */
export function toPageAsk({ pageSize, pageToken }: PageFields, filter: unknown): PageAsk {
  const limit = pageSize === 0 ? DEFAULT_PAGE : pageSize;
  checkRange('PAGE_INVALID', 'page_size', limit, 1, MAX_PAGE, 'rows');
  return { limit, from: parsePageToken(pageToken, filter) };
}

export function checkChannelName({ topic, channel }: { readonly topic: string; readonly channel: string }): void {
  checkPattern(topic, 'topic');
  checkChannel(channel, 'channel');
}

export function checkMessageId(id: string, field: string): void {
  if (isVisibleAscii(id, MAX_ID_LENGTH)) return;
  const limit = `1 to ${MAX_ID_LENGTH} characters of visible ASCII`;
  throw new BusError('ID_INVALID', `${field} takes ${limit}`, { field, limit });
}

/** Empty is any. */
export function checkPrefix(prefix: string, max: number): void {
  if (prefix.length > max) throw invalid('prefix', `up to ${max} characters`);
}

export function checkTopicPrefix(prefix: string): void {
  checkPrefix(prefix, MAX_TOPIC_LENGTH);
}

export function checkChannelPrefix(prefix: string): void {
  checkPrefix(prefix, MAX_CHANNEL_LENGTH);
}

export function toTimes(
  request: { readonly afterTimeMs: bigint; readonly beforeTimeMs: bigint },
  field = '',
): { readonly after: number; readonly before: number } {
  const after = Number(request.afterTimeMs);
  const before = Number(request.beforeTimeMs);
  checkRange('QUERY_INVALID', `${field}after_time_ms`, after, 0, MAX_TIME_MS, 'Unix milliseconds');
  checkRange('QUERY_INVALID', `${field}before_time_ms`, before, 0, MAX_TIME_MS, 'Unix milliseconds');
  return { after, before };
}

/** Empty names are any. */
export function checkNames({ topic, channel }: { readonly topic: string; readonly channel: string }, field = ''): void {
  if (topic !== '') checkTopic(topic, `${field}topic`);
  if (channel !== '') checkChannel(channel, `${field}channel`);
}

const STATES: Readonly<Partial<Record<MessageState, ViewState>>> = {
  [MessageState.DELAYED]: 'delayed',
  [MessageState.PARKED]: 'parked',
  [MessageState.DELIVERED]: 'delivered',
  [MessageState.LEASED]: 'leased',
  [MessageState.RETURNED]: 'returned',
  [MessageState.RETRY]: 'retry',
  [MessageState.ACKED]: 'acked',
  [MessageState.DEAD]: 'dead',
  [MessageState.EXPIRED]: 'expired',
  [MessageState.CANCELLED]: 'cancelled',
  [MessageState.PURGED]: 'purged',
};

/** `searchHeaders` are those of the config. */
export function toMessageFilter(request: FindMessagesRequest, searchHeaders: readonly string[]): MessageFilter {
  const { id, topic, channel } = request;
  if (id !== '') checkMessageId(id, 'id');
  const term = toTerm(request, searchHeaders);
  if (id !== '' && term !== undefined) throw invalid('id', 'nothing where a key or a header is searched for');
  checkNames(request);
  const states = request.states.map((code, i) => {
    const state = STATES[code];
    if (state === undefined) throw invalid(`states[${i}]`, 'a state of a message');
    if (id === '' && term === undefined) {
      if (state === 'delayed')
        throw invalid(`states[${i}]`, 'DELAYED only with an id, a key or a header: see ListScheduled');
      if (state === 'parked' && (topic === '' || request.states.length > 1)) {
        throw invalid(`states[${i}]`, 'PARKED only by itself and with a topic, or with an id, a key or a header');
      }
    }
    return state;
  });
  return { id, term, topic, channel, states: [...new Set(states)], ...toTimes(request) };
}

function toTerm(
  { key, headerName, headerValue }: FindMessagesRequest,
  searchHeaders: readonly string[],
): SearchTerm | undefined {
  if (headerName === '') {
    if (headerValue !== '') throw invalid('header_name', 'the name of the header whose value is given');
    if ([...key].length > MAX_KEY_LENGTH) throw invalid('key', `up to ${MAX_KEY_LENGTH} characters`);
    return key === '' ? undefined : keyTerm(key);
  }
  if (key !== '') throw invalid('key', 'nothing where a header is searched for');
  if (searchHeaders.includes(headerName)) return headerTerm(headerName, headerValue);
  const known = searchHeaders.length === 0 ? 'names none' : `names ${searchHeaders.join(', ')}`;
  throw invalid('header_name', `a header of config SearchHeaders, which ${known}`);
}

export function toDeadQuery(query: WireDeadQuery | undefined): DeadQuery {
  if (query === undefined) return { topic: '', channel: '', ids: [], after: 0, before: 0, reason: '' };
  const { topic, channel, ids, reasonContains } = query;
  checkNames(query, 'query.');
  if (ids.length > MAX_IDS) throw invalid('query.ids', `up to ${MAX_IDS} entries`);
  ids.forEach((id, i) => {
    checkMessageId(id, `query.ids[${i}]`);
  });
  if (ids.length > 0 && topic === '') throw invalid('query.topic', 'the topic of the ids');
  if (reasonContains.length > MAX_REASON_LENGTH) {
    throw invalid('query.reason_contains', `up to ${MAX_REASON_LENGTH} characters`);
  }
  return { topic, channel, ids: [...new Set(ids)], ...toTimes(query, 'query.'), reason: reasonContains };
}

/** Every body is shorter than what 0 stands for. */
export function toBodyBytes(bytes: number): number {
  if (bytes === 0) return MAX_BODY_BYTES;
  checkRange('QUERY_INVALID', 'max_body_bytes', bytes, 1, MAX_BODY_BYTES, 'bytes');
  return bytes;
}

export function toLimit(limit: number): number {
  const most = limit === 0 ? DEFAULT_CHANGES : limit;
  checkRange('QUERY_INVALID', 'limit', most, 1, MAX_CHANGES, 'messages');
  return most;
}

export function checkPerSecond(rate: number): number {
  checkRange('QUERY_INVALID', 'max_per_second', rate, 0, MAX_PER_SECOND, 'messages a second');
  return rate;
}

export function toInterval(intervalMs: number): number {
  const interval = intervalMs === 0 ? 1_000 : intervalMs;
  checkRange('WAIT_INVALID', 'interval_ms', interval, MIN_INTERVAL_MS, MAX_INTERVAL_MS, 'ms');
  return interval;
}

export function invalid(field: string, limit: string): BusError {
  return new BusError('QUERY_INVALID', `${field} takes ${limit}`, { field, limit });
}
