import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf';
import { Mq, MqTopic } from '@waybill/proto/mq/mq';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus } from '@waybill/proto/waybill/v1/bus';
import { Locks } from '@waybill/proto/waybill/v1/locks';
import { parseLockToken } from '../../model/lock.js';
import type { Right } from './permissions.js';
import type { Principal } from './principal.js';

/** What a call takes. */
export interface Rule {
  /** Throws PERMISSION_DENIED. Of a stream that the client writes to there is no request yet: `undefined`. */
  check(principal: Principal, request: unknown): void;
  /** It may go on for long, so it ends when its caller is not good any more. All streams do, whatever stands here. */
  readonly waits: boolean;
}

interface Ruled {
  readonly desc: DescMethod;
  readonly rule: Rule;
}

/** By what the request names. */
function by<M extends DescMethod>(
  desc: M,
  check: (principal: Principal, request: MessageShape<M['input']>) => void,
  { waits = false } = {},
): Ruled {
  // The table joins each method with the reader of its requests, which is grpc-js' affair.
  return { desc, rule: { check: check as Rule['check'], waits } };
}

/**
 * Nothing goes without this right for something. For what, the service asks by itself: it filters its lists by what the caller may
 * see, or asks for each message, receipt or frame.
 */
function some(desc: DescMethod, right: Right): Ruled {
  return { desc, rule: { check: (principal) => principal.requireSome(right), waits: false } };
}

/** It tells of, or changes, what belongs to no topic. */
function everything(desc: DescMethod, right: Right): Ruled {
  return { desc, rule: { check: (principal) => principal.requireEverything(right), waits: false } };
}

const { method: bus } = Bus;
const { method: admin } = Admin;
const { method: locks } = Locks;

const TABLE: readonly Ruled[] = [
  some(bus.publish, 'publish'),
  some(bus.publishStream, 'publish'),
  some(bus.subscribe, 'consume'),
  by(bus.pull, (who, { topic, channel }) => who.requireChannel('consume', topic, channel, 'topic'), { waits: true }),
  some(bus.ack, 'consume'),
  some(bus.nack, 'consume'),
  some(bus.extend, 'consume'),
  some(bus.reject, 'consume'),
  by(bus.cancel, (who, { topic }) => who.requireTopic('publish', topic, 'topic')),
  by(bus.reschedule, (who, { topic }) => who.requireTopic('publish', topic, 'topic')),

  some(admin.listTopics, 'read'),
  by(admin.getTopic, (who, { topic }) => who.requireTopic('read', topic, 'topic')),
  by(admin.deleteTopic, (who, { topic }) => who.requireChannels('admin', topic, 'topic')),
  some(admin.listChannels, 'read'),
  by(admin.getChannel, (who, { topic, channel }) => who.requireChannel('read', topic, channel, 'topic')),
  by(admin.createChannel, changeChannel),
  by(admin.deleteChannel, changeChannel),
  by(admin.pauseChannel, changeChannel),
  by(admin.resumeChannel, changeChannel),
  by(admin.purgeChannel, changeChannel),
  some(admin.listConsumers, 'read'),
  some(admin.findMessages, 'read'),
  by(admin.getMessage, (who, { topic }) => {
    if (topic === '') who.requireSome('read');
    else who.requireTopic('read', topic, 'topic');
  }),
  some(admin.listScheduled, 'read'),
  by(admin.runNow, (who, { topic, channel, channelTopic }) => {
    if (channel === '') changeTopic(who, { topic });
    else changeChannel(who, { topic: channelTopic === '' ? topic : channelTopic, channel });
  }),
  by(admin.cancelScheduled, changeTopic),
  by(admin.rescheduleScheduled, changeTopic),

  // An entry is its topic's: the service asks for that of the one that is named.
  some(admin.listCronEntries, 'read'),
  some(admin.getCronEntry, 'read'),
  by(admin.createCronEntry, (who, { entry }) => changeTopic(who, { topic: entry?.topic ?? '' })),
  by(admin.updateCronEntry, (who, { entry }) => changeTopic(who, { topic: entry?.topic ?? '' })),
  some(admin.deleteCronEntry, 'admin'),
  some(admin.pauseCronEntry, 'admin'),
  some(admin.resumeCronEntry, 'admin'),
  some(admin.runCronEntry, 'admin'),
  some(admin.previewCron, 'read'),

  some(admin.listDead, 'read'),
  by(admin.editDead, (who, { topic, channel, channelTopic }) => {
    changeChannel(who, { topic: channelTopic === '' ? topic : channelTopic, channel });
  }),
  some(admin.redrive, 'admin'),
  some(admin.deleteDead, 'admin'),
  some(admin.listNodes, 'read'),
  some(admin.listLocks, 'locks'),
  everything(admin.releaseLock, 'admin'),
  everything(admin.listConnections, 'read'),
  some(admin.getStats, 'read'),
  some(admin.watchStats, 'read'),
  everything(admin.listAudit, 'admin'),

  by(locks.acquire, (who, { name }) => who.requireLock(name, 'name'), { waits: true }),
  by(locks.renew, holdLock),
  by(locks.release, holdLock),

  by(Mq.method.publish, (who, { queue }) => who.requireTopic('publish', queue, 'queue')),
  by(Mq.method.delayPublish, (who, { queue }) => who.requireTopic('publish', queue, 'queue')),
  by(Mq.method.subscribe, (who, { queue }) => who.requireChannel('consume', queue, 'default', 'queue'), {
    waits: true,
  }),
  some(Mq.method.ack, 'consume'),
  some(Mq.method.nack, 'consume'),
  by(MqTopic.method.publish, (who, { topic }) => who.requireTopic('publish', topic, 'topic')),
  by(MqTopic.method.delayPublish, (who, { topic }) => who.requireTopic('publish', topic, 'topic')),
  by(
    MqTopic.method.subscribe,
    (who, { topic, queueName }) => who.requireChannel('consume', topic, queueName, 'topic'),
    {
      waits: true,
    },
  ),
  some(MqTopic.method.ack, 'consume'),
  some(MqTopic.method.nack, 'consume'),
];

/** What waits for a topic goes to all of its channels. */
function changeTopic(who: Principal, { topic }: { readonly topic: string }): void {
  who.requireChannels('admin', topic, 'topic');
}

function changeChannel(who: Principal, { topic, channel }: { readonly topic: string; readonly channel: string }): void {
  who.requireChannel('admin', topic, channel, 'topic');
}

function holdLock(who: Principal, { token }: { readonly token: string }): void {
  if (!who.permissions.everything('locks')) who.requireLock(parseLockToken(token, 'token').name, 'token');
}

const RULES: ReadonlyMap<string, Rule> = new Map(TABLE.map(({ desc, rule }) => [pathOf(desc), rule]));

/** The rules of a service's methods, by their local names. Throws when one has none, so that a new method cannot be forgotten. */
export function rulesOf(service: DescService): ReadonlyMap<string, Rule> {
  const missing = service.methods.filter((desc) => !RULES.has(pathOf(desc)));
  if (missing.length > 0) {
    throw new Error(`access/rules.ts has no rule for ${missing.map(pathOf).join(', ')}`);
  }
  return new Map(service.methods.flatMap((desc) => [[desc.localName, RULES.get(pathOf(desc))]]).flatMap(present));
}

function present([name, rule]: (string | Rule | undefined)[]): [string, Rule][] {
  return typeof name === 'string' && typeof rule === 'object' ? [[name, rule]] : [];
}

function pathOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}
