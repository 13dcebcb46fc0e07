import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { Bus, SubscribeRequestSchema } from '@waybill/proto/waybill/v1/bus';
import type { RetryPolicySchema } from '@waybill/proto/waybill/v1/message';
import { bytesOf } from './raw-client.js';

export interface Kind {
  readonly code: string;
  readonly reason: string;
  readonly field: string;
  readonly limit?: string;
}

export interface BadCall extends Kind {
  readonly line: string;
  readonly method: DescMethodUnary;
  readonly request: Uint8Array;
}

/** Frames of one `Subscribe` stream, of which the last is not taken. */
export interface BadStream extends Kind {
  readonly line: string;
  readonly frames: readonly Uint8Array[];
}

type Frame = MessageInitShape<typeof SubscribeRequestSchema>['frame'];
type Retry = MessageInitShape<typeof RetryPolicySchema>;

/** What the gateway under test is told by config. */
export const MAX_CREDIT = 500;

export const SETTLES = [Bus.method.ack, Bus.method.nack, Bus.method.extend, Bus.method.reject] as const;

const TEN_YEARS_MS = 315_360_000_000n;
export const CHANNEL = '1 to 64 characters of A-Z a-z 0-9 . _ : @ -';
export const TOPIC = '1 to 128 characters of A-Z a-z 0-9 . _ : @ -';
export const PATTERN = ', and * (one word) or # (any words) as whole words';
export const ID = '1 to 128 characters of visible ASCII';
const TEN_YEARS = '0 to 315360000000 ms (10 years)';
const LEASE = '1 to 86400 seconds';
const CREDIT = `0 to ${MAX_CREDIT} messages (config MaxCredit)`;
const RECEIPTS = '1 to 10000 entries';
const REASON = 'up to 1024 characters';

export const invalid = (reason: string, field: string, limit?: string): Kind => {
  return { code: 'INVALID_ARGUMENT', reason, field, ...(limit === undefined ? {} : { limit }) };
};

/** What a consumer may ask wrongly, by `Pull` and by `open` alike; fields are named within the request. */
const CONSUMERS: readonly (Kind & { readonly line: string; readonly request: ConsumerInit })[] = [
  ...['', 'p'.repeat(129), 'a/b', 'a b', 'ö'].map((topic) => ({
    line: `topic ${shown(topic)}`,
    request: { topic },
    ...invalid('TOPIC_INVALID', 'topic', `1 to 128 characters of A-Z a-z 0-9 . _ : @ -${PATTERN}`),
  })),
  ...['orders*', 'a.#b', '**', 'a.*#'].map((topic) => ({
    line: `pattern ${topic}`,
    request: { topic },
    ...invalid('TOPIC_INVALID', 'topic', `characters of A-Z a-z 0-9 . _ : @ -${PATTERN}`),
  })),
  ...['', 'c'.repeat(65), 'a/b', '*', 'a\0'].map((channel) => ({
    line: `channel ${shown(channel)}`,
    request: { channel },
    ...invalid('CHANNEL_INVALID', 'channel', CHANNEL),
  })),
  ...[-1, 86_401, 2 ** 31 - 1, -(2 ** 31)].map((leaseSeconds) => ({
    line: `a lease of ${leaseSeconds} s`,
    request: { leaseSeconds },
    ...invalid('LEASE_INVALID', 'lease_seconds', LEASE),
  })),
  {
    line: 'a consumer name of 65 characters',
    request: { consumer: 'c'.repeat(65) },
    ...invalid('CONSUMER_INVALID', 'consumer', 'up to 64 characters'),
  },
  ...retries('max_retries', '0 to 1000 retries', [{ maxRetries: -1 }, { maxRetries: 1_001 }]),
  ...retries('fixed.delay_ms', TEN_YEARS, [fixed(-1n), fixed(TEN_YEARS_MS + 1n)]),
  ...retries('exponential.initial_ms', '1 to 315360000000 ms (10 years)', [
    exponential({ initialMs: 0n }),
    exponential({ initialMs: -5n }),
    exponential({ initialMs: TEN_YEARS_MS + 1n }),
  ]),
  ...retries('exponential.multiplier', '1 to 100 times', [
    exponential({ multiplier: 0.5 }),
    exponential({ multiplier: -1 }),
    exponential({ multiplier: 101 }),
    exponential({ multiplier: Number.NaN }),
    exponential({ multiplier: Number.POSITIVE_INFINITY }),
  ]),
  ...retries('exponential.max_ms', '1000 to 315360000000 ms, from initial_ms to 10 years', [
    exponential({ maxMs: 999n }),
    exponential({ maxMs: -1n }),
    exponential({ maxMs: TEN_YEARS_MS + 1n }),
  ]),
  ...retries('exponential.jitter', '0 to 1 of the delay', [
    exponential({ jitter: -0.1 }),
    exponential({ jitter: 1.1 }),
    exponential({ jitter: Number.NaN }),
  ]),
];

interface ConsumerInit {
  readonly topic?: string;
  readonly channel?: string;
  readonly leaseSeconds?: number;
  readonly consumer?: string;
  readonly retry?: Retry;
}

export function badCalls(topic: string): BadCall[] {
  const pull = (request: MessageInitShape<typeof Bus.method.pull.input>) => {
    return call(Bus.method.pull, { topic, channel: 'billing', waitMs: 0n, ...request });
  };
  return [
    ...CONSUMERS.map(({ line, request, ...kind }) => ({ line: `Pull: ${line}`, ...pull(request), ...kind })),
    ...[-1, MAX_CREDIT + 1].map((maxMessages) => ({
      line: `Pull: ${maxMessages} messages`,
      ...pull({ maxMessages }),
      ...invalid('BATCH_INVALID', 'max_messages', `1 to ${MAX_CREDIT} messages`),
    })),
    ...[-1n, 3_600_001n].map((waitMs) => ({
      line: `Pull: a wait of ${waitMs} ms`,
      ...pull({ waitMs }),
      ...invalid('WAIT_INVALID', 'wait_ms', '0 to 3600000 ms'),
    })),
    {
      line: 'Publish: no messages',
      ...call(Bus.method.publish, {}),
      ...invalid('BATCH_INVALID', 'messages', '1 to 1000 entries'),
    },
    {
      line: 'Publish: 1,001 messages',
      ...call(Bus.method.publish, { messages: Array.from({ length: 1_001 }, () => ({ topic })) }),
      ...invalid('BATCH_INVALID', 'messages', '1 to 1000 entries'),
    },
    ...SETTLES.flatMap((method) => [
      { line: `${method.name}: no receipts`, ...settle(method, []), ...invalid('BATCH_INVALID', 'receipts', RECEIPTS) },
      {
        line: `${method.name}: 10,001 receipts`,
        ...settle(method, Array<string>(10_001).fill('r')),
        ...invalid('BATCH_INVALID', 'receipts', RECEIPTS),
      },
    ]),
    ...[-1n, TEN_YEARS_MS + 1n].map((delayMs) => ({
      line: `Nack: a delay of ${delayMs} ms`,
      ...call(Bus.method.nack, { receipts: ['r'], delayMs }),
      ...invalid('DELAY_INVALID', 'delay_ms', TEN_YEARS),
    })),
    ...[Bus.method.nack, Bus.method.reject].map((method) => ({
      line: `${method.name}: a reason of 1,025 characters`,
      ...settle(method, ['r'], { reason: 'x'.repeat(1_025) }),
      ...invalid('REASON_INVALID', 'reason', REASON),
    })),
    ...[-1, 86_401].map((leaseSeconds) => ({
      line: `Extend: a lease of ${leaseSeconds} s`,
      ...call(Bus.method.extend, { receipts: ['r'], leaseSeconds }),
      ...invalid('LEASE_INVALID', 'lease_seconds', LEASE),
    })),
    ...badNames(topic, 'Cancel', (name) => call(Bus.method.cancel, name)),
    ...badNames(topic, 'Reschedule', (name) =>
      call(Bus.method.reschedule, { ...name, when: { case: 'delayMs', value: 1n } }),
    ),
    {
      line: 'Reschedule: no time',
      ...call(Bus.method.reschedule, { topic, id: 'i' }),
      ...invalid('DELAY_INVALID', 'when'),
    },
    ...[-1n, TEN_YEARS_MS + 1n].map((value) => ({
      line: `Reschedule: a delay of ${value} ms`,
      ...call(Bus.method.reschedule, { topic, id: 'i', when: { case: 'delayMs', value } }),
      ...invalid('DELAY_INVALID', 'delay_ms', TEN_YEARS),
    })),
    {
      line: 'Reschedule: a due time before 1970',
      ...call(Bus.method.reschedule, { topic, id: 'i', when: { case: 'dueTimeMs', value: -1n } }),
      ...invalid('DELAY_INVALID', 'due_time_ms', 'a Unix time in ms, at most 10 years ahead'),
    },
  ];
}

export function badStreams(topic: string): BadStream[] {
  const openFrame = (request: object = {}): Frame => {
    return { case: 'open', value: { topic, channel: 'billing', credit: 1, ...request } };
  };
  const opened = frame(openFrame());
  const settles = ['ack', 'nack', 'extend', 'reject'] as const;
  return [
    ...CONSUMERS.map(({ line, request, field, ...kind }) => ({
      line: `open: ${line}`,
      frames: [frame(openFrame(request))],
      field: `open.${field}`,
      ...kind,
    })),
    ...[-1, MAX_CREDIT + 1, 2 ** 31 - 1].flatMap((credit) => [
      {
        line: `open: credit ${credit}`,
        frames: [frame(openFrame({ credit }))],
        ...invalid('CREDIT_INVALID', 'open.credit', CREDIT),
      },
      {
        line: `credit ${credit}`,
        frames: [opened, frame({ case: 'credit', value: { credit } })],
        ...invalid('CREDIT_INVALID', 'credit.credit', CREDIT),
      },
    ]),
    ...settles.flatMap((kind) => [
      {
        line: `${kind} before open`,
        frames: [frame({ case: kind, value: { receipts: ['r'] } })],
        code: 'FAILED_PRECONDITION',
        reason: 'NOT_OPEN',
        field: 'frame',
      },
      {
        line: `${kind}: no receipts`,
        frames: [opened, frame({ case: kind, value: {} })],
        ...invalid('BATCH_INVALID', `${kind}.receipts`, RECEIPTS),
      },
      {
        line: `${kind}: 10,001 receipts`,
        frames: [opened, frame({ case: kind, value: { receipts: Array<string>(10_001).fill('r') } })],
        ...invalid('BATCH_INVALID', `${kind}.receipts`, RECEIPTS),
      },
    ]),
    {
      line: 'credit before open',
      frames: [frame({ case: 'credit', value: { credit: 1 } })],
      code: 'FAILED_PRECONDITION',
      reason: 'NOT_OPEN',
      field: 'frame',
    },
    {
      line: 'an empty frame before open',
      frames: [frame(undefined)],
      code: 'FAILED_PRECONDITION',
      reason: 'NOT_OPEN',
      field: 'frame',
    },
    { line: 'an empty frame', frames: [opened, frame(undefined)], ...invalid('MALFORMED', 'frame') },
    {
      line: 'a second open',
      frames: [opened, frame(openFrame())],
      code: 'FAILED_PRECONDITION',
      reason: 'ALREADY_OPEN',
      field: 'open',
    },
    {
      line: 'nack: a delay of -1 ms',
      frames: [opened, frame({ case: 'nack', value: { receipts: ['r'], delayMs: -1n } })],
      ...invalid('DELAY_INVALID', 'nack.delay_ms', TEN_YEARS),
    },
    {
      line: 'extend: a lease of 86,401 s',
      frames: [opened, frame({ case: 'extend', value: { receipts: ['r'], leaseSeconds: 86_401 } })],
      ...invalid('LEASE_INVALID', 'extend.lease_seconds', LEASE),
    },
    {
      line: 'reject: a reason of 1,025 characters',
      frames: [opened, frame({ case: 'reject', value: { receipts: ['r'], reason: 'x'.repeat(1_025) } })],
      ...invalid('REASON_INVALID', 'reject.reason', REASON),
    },
  ];
}

function badNames(
  topic: string,
  method: string,
  request: (name: { topic: string; id: string }) => Pick<BadCall, 'method' | 'request'>,
): BadCall[] {
  const badId = invalid('ID_INVALID', 'id', ID);
  return [
    { line: `${method}: no topic`, ...request({ topic: '', id: 'i' }), ...invalid('TOPIC_INVALID', 'topic', TOPIC) },
    {
      line: `${method}: a pattern`,
      ...request({ topic: 'a.*', id: 'i' }),
      ...invalid('TOPIC_INVALID', 'topic', TOPIC),
    },
    { line: `${method}: no id`, ...request({ topic, id: '' }), ...badId },
    { line: `${method}: an id of 129 characters`, ...request({ topic, id: 'i'.repeat(129) }), ...badId },
    {
      line: `${method}: an id that was never published`,
      ...request({ topic, id: 'never' }),
      code: 'NOT_FOUND',
      reason: 'SCHEDULED_NOT_FOUND',
      field: '',
    },
  ];
}

export function call<I extends DescMessage>(
  method: DescMethodUnary<I>,
  request: MessageInitShape<I>,
): Pick<BadCall, 'method' | 'request'> {
  return { method, request: bytesOf(method.input, request) };
}

function settle(method: DescMethodUnary, receipts: string[], more: object = {}): Pick<BadCall, 'method' | 'request'> {
  return { method, request: bytesOf(method.input, { receipts, ...more }) };
}

function frame(value: Frame): Uint8Array {
  return bytesOf(SubscribeRequestSchema, value === undefined ? {} : { sequence: 1n, frame: value });
}

function retries(field: string, limit: string, policies: readonly Retry[]) {
  return policies.map((retry, i) => ({
    line: `retry policy: ${field}, wrong way ${i + 1}`,
    request: { retry },
    ...invalid('RETRY_POLICY_INVALID', `retry.${field}`, limit),
  }));
}

function fixed(delayMs: bigint): Retry {
  return { backoff: { case: 'fixed', value: { delayMs } } };
}

function exponential(value: { initialMs?: bigint; multiplier?: number; maxMs?: bigint; jitter?: number }): Retry {
  return { backoff: { case: 'exponential', value: { initialMs: 1_000n, ...value } } };
}

export function shown(name: string): string {
  return name.length > 20 ? `of ${name.length} characters` : JSON.stringify(name);
}
