import type { DescMessage, DescMethod, DescService, MessageInitShape } from '@bufbuild/protobuf';
import { Mq, MqTopic } from '@waybill/proto/mq/mq';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus } from '@waybill/proto/waybill/v1/bus';
import { Locks } from '@waybill/proto/waybill/v1/locks';
import { bytesOf } from '../bad-input/raw-client.js';
import type { Right } from './tokens.js';

export const SERVICES: readonly DescService[] = [Bus, Admin, Locks, Mq, MqTopic];

/** What the attempts are about: names that an outsider has no right to. */
export interface Target {
  readonly topic: string;
  readonly channel: string;
  /** Of a message that is leased from the channel. */
  readonly receipt: string;
  /** The same, as clients of event-bus know it. */
  readonly alias: string;
  /** A cron entry that publishes to the topic. */
  readonly cron: string;
  /** Of a lock that somebody holds. */
  readonly lockToken: string;
}

export interface Attempt {
  readonly method: DescMethod;
  /** What it takes. */
  readonly right: Right;
  /**
   * How somebody is answered who has that right, but not to these names. `filtered`: without them; `absent`: that they do not
   * exist; `by message`: denied, in an answer for each message.
   */
  readonly outsider: 'denied' | 'filtered' | 'absent' | 'by message';
  /** It takes the right to everything. */
  readonly everything: boolean;
  /** Frames, of a stream. */
  readonly requests: readonly Uint8Array[];
}

/** Every method of every service, asked about the target. */
export function attemptsAt(target: Target): Attempt[] {
  const { topic, channel, receipt, alias, lockToken, cron: name } = target;
  const names = { topic, channel };
  const { method: bus } = Bus;
  const { method: admin } = Admin;
  const settle = { receipts: [receipt] };
  const open = { case: 'open', value: { topic, channel, credit: 1 } } as const;
  const message = { topic, id: 'attempt' };
  return [
    attempt(bus.publish, 'publish', 'denied', { messages: [{ topic }] }),
    attempt(bus.publishStream, 'publish', 'by message', { sequence: 1n, messages: [{ topic }] }),
    attempt(bus.subscribe, 'consume', 'denied', { sequence: 1n, frame: open }),
    attempt(bus.pull, 'consume', 'denied', { ...names, waitMs: 0n }),
    attempt(bus.ack, 'consume', 'filtered', settle),
    attempt(bus.nack, 'consume', 'filtered', settle),
    attempt(bus.extend, 'consume', 'filtered', settle),
    attempt(bus.reject, 'consume', 'filtered', settle),
    attempt(bus.cancel, 'publish', 'denied', message),
    attempt(bus.reschedule, 'publish', 'denied', { ...message, when: { case: 'delayMs', value: 1n } }),

    attempt(admin.listTopics, 'read', 'filtered', {}),
    attempt(admin.getTopic, 'read', 'denied', { topic }),
    attempt(admin.deleteTopic, 'admin', 'denied', { topic, dryRun: true }),
    attempt(admin.listChannels, 'read', 'filtered', { topic }),
    attempt(admin.getChannel, 'read', 'denied', names),
    attempt(admin.createChannel, 'admin', 'denied', names),
    attempt(admin.deleteChannel, 'admin', 'denied', { ...names, dryRun: true }),
    attempt(admin.pauseChannel, 'admin', 'denied', names),
    attempt(admin.resumeChannel, 'admin', 'denied', names),
    attempt(admin.purgeChannel, 'admin', 'denied', { ...names, ready: true, dryRun: true }),
    attempt(admin.listConsumers, 'read', 'filtered', {}),
    attempt(admin.findMessages, 'read', 'filtered', {}),
    attempt(admin.getMessage, 'read', 'denied', message),
    attempt(admin.listScheduled, 'read', 'filtered', {}),
    attempt(admin.runNow, 'admin', 'denied', message),
    attempt(admin.cancelScheduled, 'admin', 'denied', message),
    attempt(admin.rescheduleScheduled, 'admin', 'denied', { ...message, when: { case: 'delayMs', value: 1n } }),
    attempt(admin.listCronEntries, 'read', 'filtered', {}),
    attempt(admin.getCronEntry, 'read', 'absent', { name }),
    attempt(admin.createCronEntry, 'admin', 'denied', { entry: { name: 'attempt', topic, expression: '0 0 1 1 *' } }),
    attempt(admin.updateCronEntry, 'admin', 'denied', { entry: { name, topic, expression: '0 0 1 1 *' } }),
    attempt(admin.pauseCronEntry, 'admin', 'absent', { name }),
    attempt(admin.resumeCronEntry, 'admin', 'absent', { name }),
    attempt(admin.runCronEntry, 'admin', 'absent', { name }),
    attempt(admin.deleteCronEntry, 'admin', 'absent', { name }),
    attempt(admin.previewCron, 'read', 'filtered', { expression: '0 0 1 1 *' }),
    attempt(admin.editDead, 'admin', 'denied', { ...message, channel, body: new Uint8Array(1) }),
    attempt(admin.listDead, 'read', 'filtered', {}),
    attempt(admin.redrive, 'admin', 'filtered', { dryRun: true }),
    attempt(admin.deleteDead, 'admin', 'filtered', { dryRun: true }),
    attempt(admin.listNodes, 'read', 'filtered', {}),
    attempt(admin.getStats, 'read', 'filtered', {}),
    attempt(admin.watchStats, 'read', 'filtered', {}),
    attempt(admin.listLocks, 'locks', 'filtered', {}),
    ofEverything(attempt(admin.releaseLock, 'admin', 'denied', { name: topic })),
    ofEverything(attempt(admin.listConnections, 'read', 'denied', {})),
    ofEverything(attempt(admin.listAudit, 'admin', 'denied', {})),

    attempt(Locks.method.acquire, 'locks', 'denied', { name: topic, ttlMs: 1_000n }),
    attempt(Locks.method.renew, 'locks', 'denied', { token: lockToken, ttlMs: 60_000n }),
    attempt(Locks.method.release, 'locks', 'denied', { token: lockToken }),

    attempt(Mq.method.publish, 'publish', 'denied', { queue: topic, data: 'd' }),
    attempt(Mq.method.delayPublish, 'publish', 'denied', { queue: topic, data: 'd', delaySeconds: 60n }),
    attempt(Mq.method.subscribe, 'consume', 'denied', { queue: topic }),
    attempt(Mq.method.ack, 'consume', 'filtered', { id: alias }),
    attempt(Mq.method.nack, 'consume', 'filtered', { id: alias }),
    attempt(MqTopic.method.publish, 'publish', 'denied', { topic, data: 'd' }),
    attempt(MqTopic.method.delayPublish, 'publish', 'denied', { topic, data: 'd', delaySeconds: 60n }),
    attempt(MqTopic.method.subscribe, 'consume', 'denied', { topic, queueName: channel }),
    attempt(MqTopic.method.ack, 'consume', 'filtered', { id: alias }),
    attempt(MqTopic.method.nack, 'consume', 'filtered', { id: alias }),
  ];
}

function attempt<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  right: Right,
  outsider: Attempt['outsider'],
  request: MessageInitShape<I>,
): Attempt {
  return { method, right, outsider, everything: false, requests: [bytesOf(method.input, request)] };
}

function ofEverything(one: Attempt): Attempt {
  return { ...one, everything: true };
}
