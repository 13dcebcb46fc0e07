import type { DescMethodUnary } from '@bufbuild/protobuf';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { type BadCall, CHANNEL, call, ID, invalid, type Kind, PATTERN, shown, TOPIC } from './bad-calls.js';

const { method } = Admin;

/** The last moment of a JavaScript date, in Unix milliseconds. */
const MAX_TIME_MS = 8_640_000_000_000_000n;
const TIMES = `0 to ${MAX_TIME_MS} Unix milliseconds`;
const WHOLE_NAME = { topic: 'orders', channel: 'billing' };

type Ask = (fields: object) => Pick<BadCall, 'method' | 'request'>;

const ask =
  (of: DescMethodUnary, more: object = {}): Ask =>
  (fields) =>
    call(of, { ...more, ...fields });

const ofDead =
  (of: DescMethodUnary): Ask =>
  (query) =>
    call(of, { query });

/** Those that answer in pages, with what else they need. */
const LISTS: readonly DescMethodUnary[] = [
  method.listTopics,
  method.listChannels,
  method.listConsumers,
  method.findMessages,
  method.listScheduled,
  method.listDead,
  method.listNodes,
  method.listAudit,
];
/** Those of one channel. */
const OF_CHANNEL: readonly DescMethodUnary[] = [
  method.getChannel,
  method.createChannel,
  method.deleteChannel,
  method.pauseChannel,
  method.resumeChannel,
  method.purgeChannel,
];
const OF_DEAD: readonly DescMethodUnary[] = [method.listDead, method.redrive, method.deleteDead];
const TIMED: readonly DescMethodUnary[] = [method.findMessages, method.listScheduled, method.listAudit];
const NAMED: readonly DescMethodUnary[] = [method.findMessages, method.listScheduled];

export const BAD_ADMIN_CALLS: readonly BadCall[] = [
  ...LISTS.flatMap((list) => [
    ...[-1, 1_001, 2 ** 31 - 1].map((pageSize) =>
      bad(
        list,
        `a page of ${pageSize}`,
        ask(list)({ pageSize }),
        invalid('PAGE_INVALID', 'page_size', '1 to 1000 rows'),
      ),
    ),
    ...[
      'hello',
      '\0',
      'A'.repeat(1 << 20),
      jsonToken([1, 2]),
      jsonToken([0, -1, 0, 0, 'x']),
      jsonToken([0, 1e300, 0, 0, '']),
    ].map((pageToken) =>
      bad(
        list,
        `the token ${shown(pageToken)}`,
        ask(list)({ pageToken }),
        invalid('PAGE_INVALID', 'page_token', 'the next_page_token of the page before'),
      ),
    ),
    bad(
      list,
      'a token of another request',
      ask(list)({ pageToken: jsonToken([-1, 1, 1, 1, `'; DROP TABLE deliveries; --`.replaceAll(' ', '')]) }),
      invalid('PAGE_INVALID', 'page_token', 'the next_page_token of the page before'),
    ),
  ]),
  ...OF_CHANNEL.flatMap((of) => badNames(of, ask(of, WHOLE_NAME), '', false)),
  ...badNames(method.listConsumers, ask(method.listConsumers), '', true),
  ...badPatterns(method.listChannels, ask(method.listChannels), true),
  ...[method.getTopic, method.deleteTopic].flatMap((of) => badPatterns(of, ask(of), false)),
  ...NAMED.flatMap((of) => badNames(of, ask(of), '', true, true)),
  ...OF_DEAD.flatMap((of) => [
    ...badNames(of, ofDead(of), 'query.', true, true),
    ...badTimes(of, ofDead(of), 'query.'),
    bad(
      of,
      'an id of 129 characters',
      ofDead(of)({ topic: 'orders', ids: ['a', 'i'.repeat(129)] }),
      invalid('ID_INVALID', 'query.ids[1]', ID),
    ),
    bad(of, 'an empty id', ofDead(of)({ topic: 'orders', ids: [''] }), invalid('ID_INVALID', 'query.ids[0]', ID)),
    bad(
      of,
      '1,001 ids',
      ofDead(of)({ topic: 'orders', ids: Array<string>(1_001).fill('i') }),
      invalid('QUERY_INVALID', 'query.ids', 'up to 1000 entries'),
    ),
    bad(
      of,
      'ids without a topic',
      ofDead(of)({ ids: ['i'] }),
      invalid('QUERY_INVALID', 'query.topic', 'the topic of the ids'),
    ),
    bad(
      of,
      'a reason of 257 characters',
      ofDead(of)({ reasonContains: `\\' OR 1=1 -- `.repeat(20) }),
      invalid('QUERY_INVALID', 'query.reason_contains', 'up to 256 characters'),
    ),
  ]),
  ...[method.redrive, method.deleteDead].flatMap((of) =>
    [-1, 1_000_001].map((limit) =>
      bad(of, `a limit of ${limit}`, ask(of)({ limit }), invalid('QUERY_INVALID', 'limit', '1 to 1000000 messages')),
    ),
  ),
  ...[-1, 100_001].map((maxPerSecond) =>
    bad(
      method.redrive,
      `${maxPerSecond} a second`,
      ask(method.redrive)({ maxPerSecond }),
      invalid('QUERY_INVALID', 'max_per_second', '0 to 100000 messages a second'),
    ),
  ),
  ...TIMED.flatMap((of) => badTimes(of, ask(of), '')),
  bad(
    method.listTopics,
    'a prefix of 129 characters',
    ask(method.listTopics)({ prefix: 'p'.repeat(129) }),
    invalid('QUERY_INVALID', 'prefix', 'up to 128 characters'),
  ),
  bad(
    method.listChannels,
    'a prefix of 65 characters',
    ask(method.listChannels)({ prefix: 'p'.repeat(65) }),
    invalid('QUERY_INVALID', 'prefix', 'up to 64 characters'),
  ),
  bad(
    method.createChannel,
    'a retry policy of 1,001 retries',
    ask(method.createChannel, WHOLE_NAME)({ retry: { maxRetries: 1_001 } }),
    invalid('RETRY_POLICY_INVALID', 'retry.max_retries', '0 to 1000 retries'),
  ),
  bad(
    method.purgeChannel,
    'nothing to purge',
    ask(method.purgeChannel, WHOLE_NAME)({}),
    invalid('QUERY_INVALID', 'ready', 'true, unless scheduled is'),
  ),
  bad(
    method.findMessages,
    'a key of 129 characters',
    ask(method.findMessages)({ key: 'k'.repeat(129) }),
    invalid('QUERY_INVALID', 'key', 'up to 128 characters'),
  ),
  bad(
    method.findMessages,
    'a key and an id',
    ask(method.findMessages)({ key: 'k', id: 'i' }),
    invalid('QUERY_INVALID', 'id', 'nothing where a key or a header is searched for'),
  ),
  bad(
    method.findMessages,
    'a key and a header',
    ask(method.findMessages)({ key: 'k', headerName: 'x-order' }),
    invalid('QUERY_INVALID', 'key', 'nothing where a header is searched for'),
  ),
  bad(
    method.findMessages,
    'a value of no header',
    ask(method.findMessages)({ headerValue: 'v' }),
    invalid('QUERY_INVALID', 'header_name', 'the name of the header whose value is given'),
  ),
  bad(
    method.findMessages,
    'a header that no config names',
    ask(method.findMessages)({ headerName: 'x-order', headerValue: 'v' }),
    invalid('QUERY_INVALID', 'header_name', 'a header of config SearchHeaders, which names none'),
  ),
  ...[
    [5, 5, 0],
    [5, 5, 99],
  ].map((states) =>
    bad(
      method.findMessages,
      `the states ${states.join(', ')}`,
      ask(method.findMessages)({ states }),
      invalid('QUERY_INVALID', 'states[2]', 'a state of a message'),
    ),
  ),
  ...[
    { query: { states: [2] }, at: 0 },
    { query: { states: [6, 2], topic: 'orders' }, at: 1 },
  ].map(({ query, at }) =>
    bad(
      method.findMessages,
      `parked messages by ${JSON.stringify(query)}`,
      ask(method.findMessages)(query),
      invalid(
        'QUERY_INVALID',
        `states[${at}]`,
        'PARKED only by itself and with a topic, or with an id, a key or a header',
      ),
    ),
  ),
  bad(
    method.findMessages,
    'delayed messages of a topic',
    ask(method.findMessages)({ states: [1], topic: 'orders' }),
    invalid('QUERY_INVALID', 'states[0]', 'DELAYED only with an id, a key or a header: see ListScheduled'),
  ),
  bad(
    method.findMessages,
    'an id of 129 characters',
    ask(method.findMessages)({ id: 'i'.repeat(129) }),
    invalid('ID_INVALID', 'id', ID),
  ),
  ...['', 'i'.repeat(129), 'a b', 'ö', `'\\\0`].map((id) =>
    bad(method.getMessage, `the id ${shown(id)}`, ask(method.getMessage)({ id }), invalid('ID_INVALID', 'id', ID)),
  ),
  bad(method.runNow, 'no topic', ask(method.runNow, { id: 'i' })({}), invalid('TOPIC_INVALID', 'topic', TOPIC)),
  bad(method.runNow, 'no id', ask(method.runNow, { topic: 'orders' })({}), invalid('ID_INVALID', 'id', ID)),
  bad(
    method.runNow,
    'a channel with a slash',
    ask(method.runNow, { topic: 'orders', id: 'i' })({ channel: 'a/b' }),
    invalid('CHANNEL_INVALID', 'channel', CHANNEL),
  ),
  bad(
    method.getStats,
    'a gateway that there is not',
    ask(method.getStats)({ node: `nobody'; --` }),
    invalid('QUERY_INVALID', 'node', 'the name of a gateway that runs, or nothing'),
  ),
  bad(method.getChannel, 'a channel that there is not', ask(method.getChannel, WHOLE_NAME)({}), {
    code: 'NOT_FOUND',
    reason: 'CHANNEL_NOT_FOUND',
    field: '',
  }),
  bad(method.runNow, 'a message that waits for nothing', ask(method.runNow, { topic: 'orders', id: 'never' })({}), {
    code: 'NOT_FOUND',
    reason: 'SCHEDULED_NOT_FOUND',
    field: '',
  }),
  bad(method.getMessage, `an id that looks like SQL`, ask(method.getMessage)({ id: `')OR(1=1)--\\` }), {
    code: 'NOT_FOUND',
    reason: 'MESSAGE_NOT_FOUND',
    field: '',
  }),
];

/** Requests for figures again and again. */
export const BAD_WATCHES = [-1, 249, 60_001, 2 ** 31 - 1].map((intervalMs) => ({
  intervalMs,
  ...invalid('WAIT_INVALID', 'interval_ms', '250 to 60000 ms'),
}));

/** Free text that ends a literal, a statement or a comment where it is written into one unescaped. */
export const HOSTILE_TEXTS = [
  `'`,
  `\\`,
  `\\'`,
  `'; DROP TABLE deliveries; -- `,
  '"',
  '\0',
  '`',
  '%',
  '_',
  '😀',
  '\ud800',
  '\x1a\r\n',
];

function bad(of: DescMethodUnary, line: string, request: Pick<BadCall, 'method' | 'request'>, kind: Kind): BadCall {
  return { line: `${of.name}: ${line}`, ...request, ...kind };
}

/** Names that are none; an empty one may mean any, and topics may be all or patterns, too. */
function badNames(of: DescMethodUnary, request: Ask, field: string, any: boolean, exact = false): BadCall[] {
  const channels = ['c'.repeat(65), 'a/b', 'a b', `c'--`, ...(any ? [] : [''])];
  return [
    ...(exact ? badTopics(of, request, field) : badPatterns(of, request, any)),
    ...channels.map((channel) =>
      bad(
        of,
        `the channel ${shown(channel)}`,
        request({ channel }),
        invalid('CHANNEL_INVALID', `${field}channel`, CHANNEL),
      ),
    ),
  ];
}

function badTopics(of: DescMethodUnary, request: Ask, field: string): BadCall[] {
  return ['t'.repeat(129), 'a/b', 'a.*', `t'--`].map((topic) =>
    bad(of, `the topic ${shown(topic)}`, request({ topic }), invalid('TOPIC_INVALID', `${field}topic`, TOPIC)),
  );
}

function badPatterns(of: DescMethodUnary, request: Ask, any: boolean): BadCall[] {
  return ['t'.repeat(129), 'a/b', `t'--`, ...(any ? [] : [''])].map((topic) =>
    bad(of, `the topic ${shown(topic)}`, request({ topic }), invalid('TOPIC_INVALID', 'topic', TOPIC + PATTERN)),
  );
}

function badTimes(of: DescMethodUnary, request: Ask, field: string): BadCall[] {
  return [-1n, -(2n ** 63n), MAX_TIME_MS + 1n, 2n ** 63n - 1n].flatMap((time) => [
    bad(of, `after ${time}`, request({ afterTimeMs: time }), invalid('QUERY_INVALID', `${field}after_time_ms`, TIMES)),
    bad(
      of,
      `before ${time}`,
      request({ beforeTimeMs: time }),
      invalid('QUERY_INVALID', `${field}before_time_ms`, TIMES),
    ),
  ]);
}

/** A token in the form of ours, which no gateway gave. */
function jsonToken(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}
