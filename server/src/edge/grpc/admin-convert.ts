import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttemptOutcome,
  type AttemptSchema,
  type AuditEntrySchema,
  type ChannelSchema,
  ConsumerKind,
  type ConsumerSchema,
  type DeadLetterSchema,
  type DepthsSchema,
  type GetMessageResponseSchema,
  type MessageRecordSchema,
  MessageState,
  type NodeSchema,
  type RatesSchema,
  type ScheduledSchema,
  type StatsSchema,
  type TopicSchema,
  type TotalsSchema,
} from '@waybill/proto/waybill/v1/admin';
import { type Message, MessageSchema, type RetryPolicySchema } from '@waybill/proto/waybill/v1/message';
import type { ChannelView } from '../../bus/admin/channel-desk.js';
import type { Named } from '../../bus/admin/dead-desk.js';
import type { MessageView, NamedRecord } from '../../bus/admin/message-desk.js';
import type { DepthsView, StatsView } from '../../bus/admin/stats.js';
import type { TopicView } from '../../bus/admin/topic-desk.js';
import { attemptNumber } from '../../model/attempt.js';
import type { Channel } from '../../model/channel.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import type { AuditEntry } from '../../ports/audit-log.js';
import type { DeadView, HeldKey, ScheduledView } from '../../ports/backlogs.js';
import type { AttemptView, ViewState } from '../../ports/inspector.js';
import type { ConsumerSheet, NodeSheet, Totals } from '../../ports/node-board.js';

/** Stands for the name of a channel that was deleted; no channel can be called so. */
const DELETED = '(deleted)';

const STATES: Readonly<Record<ViewState, MessageState>> = {
  delayed: MessageState.DELAYED,
  parked: MessageState.PARKED,
  delivered: MessageState.DELIVERED,
  leased: MessageState.LEASED,
  returned: MessageState.RETURNED,
  retry: MessageState.RETRY,
  acked: MessageState.ACKED,
  dead: MessageState.DEAD,
  expired: MessageState.EXPIRED,
  cancelled: MessageState.CANCELLED,
  purged: MessageState.PURGED,
};

const OUTCOMES: Readonly<Record<AttemptView['outcome'], AttemptOutcome>> = {
  delivered: AttemptOutcome.OPEN,
  leased: AttemptOutcome.OPEN,
  acked: AttemptOutcome.ACKED,
  retry: AttemptOutcome.RETRY,
  returned: AttemptOutcome.RETURNED,
  dead: AttemptOutcome.DEAD,
  expired: AttemptOutcome.EXPIRED,
  redriven: AttemptOutcome.REDRIVEN,
  purged: AttemptOutcome.PURGED,
  cancelled: AttemptOutcome.UNSPECIFIED,
};

export function fromTopic({ name, pattern, channels, parked }: TopicView): MessageInitShape<typeof TopicSchema> {
  return { name, pattern, channelCount: channels, parked: BigInt(parked) };
}

export function fromChannel({ channel, depth, consumers }: ChannelView): MessageInitShape<typeof ChannelSchema> {
  const { topic, name, createdAt = 0, paused = false, retry } = channel;
  const { ready, approximate, inFlight, scheduled, dead, more, oldestAcceptedAt } = depth;
  return {
    topic,
    name,
    createTimeMs: BigInt(createdAt),
    paused,
    consumers,
    ...(retry === undefined ? {} : { retry: fromRetryPolicy(retry) }),
    depth: {
      ...(ready === undefined ? {} : { ready: BigInt(ready) }),
      readyApproximate: approximate,
      inFlight: BigInt(inFlight),
      scheduled: BigInt(scheduled),
      dead: BigInt(dead),
      more,
      oldestAcceptTimeMs: BigInt(oldestAcceptedAt),
    },
  };
}

function fromRetryPolicy({ maxRetries, backoff }: RetryPolicy): MessageInitShape<typeof RetryPolicySchema> {
  if (backoff.kind === 'fixed') {
    return { maxRetries, backoff: { case: 'fixed', value: { delayMs: BigInt(backoff.delayMs) } } };
  }
  const { initialMs, multiplier, maxMs, jitter } = backoff;
  const value = { initialMs: BigInt(initialMs), multiplier, maxMs: BigInt(maxMs), jitter };
  return { maxRetries, backoff: { case: 'exponential', value } };
}

export function fromConsumer(node: string, sheet: ConsumerSheet): MessageInitShape<typeof ConsumerSchema> {
  const { topic, channel, name, kind, since, credit, inFlight } = sheet;
  return {
    node,
    topic,
    channel,
    name,
    kind: kind === 'pull' ? ConsumerKind.PULL : ConsumerKind.STREAM,
    sinceTimeMs: BigInt(since),
    credit,
    inFlight,
  };
}

export function fromRecord({ record, channel }: NamedRecord): MessageInitShape<typeof MessageRecordSchema> {
  return {
    id: record.id,
    topic: record.topic,
    ...channelOf(record.channel, channel),
    state: STATES[record.state],
    attempt: attemptNumber(record.attempt),
    consumer: record.consumer,
    acceptTimeMs: BigInt(record.acceptedAt),
    deliverTimeMs: BigInt(record.deliveredAt),
    settleTimeMs: BigInt(record.settledAt),
    dueTimeMs: BigInt(record.dueAt),
    reason: record.reason,
    node: record.node,
    key: record.key,
  };
}

/** Of a body that is longer than `maxBodyBytes`, the beginning. */
export function fromMessage(
  { id, topic, wire, timelines }: MessageView,
  maxBodyBytes: number,
): MessageInitShape<typeof GetMessageResponseSchema> {
  const acceptedAt = Math.max(0, ...timelines.map(({ record }) => record.acceptedAt));
  const message = wire === undefined ? undefined : fromBinary(MessageSchema, wire);
  const bodyBytes = message?.body.length ?? 0;
  if (message !== undefined) message.body = message.body.subarray(0, maxBodyBytes);
  return {
    id,
    topic,
    ...(message === undefined ? {} : { message }),
    bodyBytes: BigInt(bodyBytes),
    acceptTimeMs: BigInt(acceptedAt),
    timelines: timelines.map((timeline) => ({
      record: fromRecord(timeline),
      attempts: timeline.attempts.map(fromAttempt),
      held: timeline.held,
    })),
  };
}

function fromAttempt(attempt: AttemptView): MessageInitShape<typeof AttemptSchema> {
  return {
    number: attemptNumber(attempt.attempt),
    outcome: OUTCOMES[attempt.outcome],
    consumer: attempt.consumer,
    deliverTimeMs: BigInt(attempt.deliveredAt),
    settleTimeMs: BigInt(attempt.settledAt),
    reason: attempt.reason,
    node: attempt.node,
  };
}

export function fromScheduled({ view, channel }: Named<ScheduledView>): MessageInitShape<typeof ScheduledSchema> {
  const { key, body } = messageOf(view.wire);
  return {
    state: view.channel === 0 ? MessageState.DELAYED : MessageState.RETRY,
    id: view.id,
    topic: view.topic,
    ...channelOf(view.channel, channel),
    attempt: attemptNumber(view.attempt),
    acceptTimeMs: BigInt(view.acceptedAt),
    dueTimeMs: BigInt(view.dueAt),
    key,
    reason: view.reason,
    bodyBytes: BigInt(body.length),
  };
}

export function fromDead({ view, channel }: Named<DeadView>): MessageInitShape<typeof DeadLetterSchema> {
  const { key, body } = messageOf(view.wire);
  return {
    id: view.id,
    topic: view.topic,
    ...channelOf(view.channel, channel),
    attempt: attemptNumber(view.attempt),
    consumer: view.consumer,
    acceptTimeMs: BigInt(view.acceptedAt),
    deadTimeMs: BigInt(view.diedAt),
    reason: view.reason,
    key,
    bodyBytes: BigInt(body.length),
  };
}

/** What is in the ledger was read from a publisher once, so it can be read; the body is not copied. */
function messageOf(wire: Uint8Array): Message {
  return wire.length === 0 ? create(MessageSchema) : fromBinary(MessageSchema, wire);
}

function channelOf(id: HeldKey['channel'], channel: Channel | undefined) {
  if (id === 0) return { channel: '', channelTopic: '' };
  return { channel: channel?.name ?? DELETED, channelTopic: channel?.topic ?? '' };
}

export function fromNode(node: NodeSheet): MessageInitShape<typeof NodeSchema> {
  return {
    name: node.name,
    version: node.version,
    engine: node.engine,
    startTimeMs: BigInt(node.startedAt),
    seenTimeMs: BigInt(node.seenAt),
    shards: [...node.shards],
    consumers: node.consumers,
    inFlight: BigInt(node.inFlight),
    draining: node.draining,
  };
}

export function fromStats(stats: StatsView): MessageInitShape<typeof StatsSchema> {
  const { depths } = stats;
  return {
    timeMs: BigInt(stats.at),
    totals: fromTotals(stats.totals),
    rates: fromRates(stats.rates),
    nodes: stats.nodes,
    consumers: stats.consumers,
    ...(depths === undefined ? {} : { depths: fromDepths(depths) }),
  };
}

function fromDepths(depths: DepthsView): MessageInitShape<typeof DepthsSchema> {
  return {
    ...(depths.ready === undefined ? {} : { ready: BigInt(depths.ready) }),
    readyApproximate: depths.approximate,
    inFlight: BigInt(depths.inFlight),
    scheduled: BigInt(depths.scheduled),
    parked: BigInt(depths.parked),
    dead: BigInt(depths.dead),
    timeMs: BigInt(depths.at),
  };
}

function fromTotals({ published, delivered, acked, retried, dead, expired }: Totals) {
  const totals: MessageInitShape<typeof TotalsSchema> = {
    published: BigInt(published),
    delivered: BigInt(delivered),
    acked: BigInt(acked),
    retried: BigInt(retried),
    dead: BigInt(dead),
    expired: BigInt(expired),
  };
  return totals;
}

function fromRates(rates: Totals): MessageInitShape<typeof RatesSchema> {
  return { ...rates };
}

export function fromAudit(entry: AuditEntry): MessageInitShape<typeof AuditEntrySchema> {
  const { at, actor, action, target, count, node } = entry;
  return { timeMs: BigInt(at), actor, action, target, count: BigInt(count), node };
}
