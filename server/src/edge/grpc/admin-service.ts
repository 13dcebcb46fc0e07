import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import * as wire from '@waybill/proto/waybill/v1/admin';
import type { Admin } from '../../bus/admin/admin.js';
import { pageByPlace, pageOf } from '../../bus/admin/named-page.js';
import { formatPageToken } from '../../bus/admin/page-token.js';
import type { Sight } from '../../bus/admin/sight.js';
import type { Limit } from '../../bus/limit.js';
import type { LockDesk } from '../../bus/lock-desk.js';
import { BusError } from '../../model/errors.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import { checkChannel, checkPattern, checkTopic } from '../../model/topic.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { NodeSheet } from '../../ports/node-board.js';
import type { Position } from '../../ports/page.js';
import type { Callers } from '../access/guard.js';
import type { AdminCall, AdminCalls } from './admin-calls.js';
import { changeMethods } from './admin-changes.js';
import * as convert from './admin-convert.js';
import { cronMethods } from './admin-cron.js';
import { liveMethods } from './admin-live.js';
import * as ask from './admin-request.js';
import { deadlineOf } from './call.js';
import { toRetryPolicy } from './convert.js';
import { complete, method } from './definition.js';
import { StatsWatches, type WatchCall } from './stats-watch.js';
import { unary } from './unary.js';

const { Admin: AdminDesc } = wire;

export const adminDefinition: ServiceDefinition = complete(
  AdminDesc,
  Object.fromEntries(AdminDesc.methods.map((desc) => [desc.localName, method(desc)])),
);

export interface AdminServiceOptions {
  readonly defaultRetry: RetryPolicy;
  /** Of all streams. */
  readonly streams: Limit;
  readonly callers: Callers;
  /** By which messages can be found; config `SearchHeaders`. */
  readonly searchHeaders: readonly string[];
}

/** Purging and redriving take so long at most for a call without a deadline. */
const CALL_MS = 60_000;

/** `waybill.v1.Admin`: checks and converts; the desks do the work. */
export class AdminService {
  readonly #watches: StatsWatches;

  constructor(
    private readonly admin: Admin,
    private readonly locks: LockDesk,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: AdminServiceOptions,
  ) {
    this.#watches = new StatsWatches(admin.stats, logger, options.streams);
  }

  /** Ends the streams. */
  drain(): void {
    this.#watches.drain();
  }

  implementation(): UntypedServiceImplementation {
    const calls: AdminCalls = {
      answer: (schema, handle) => this.#answer(schema, handle),
      note: (call, action, target, count) => this.#note(call, action, target, count),
      times: (call) => this.#times(call),
      caller: (call) => this.options.callers.of(call),
    };
    return {
      ...this.#topics(),
      ...this.#channels(),
      ...this.#messages(),
      ...this.#schedule(),
      ...this.#gateways(),
      ...changeMethods(this.admin, calls),
      ...cronMethods(this.admin.cron, calls),
      ...liveMethods(this.admin, this.locks, calls),
      watchStats: (call: WatchCall) => this.#watches.open(call),
    };
  }

  #topics(): UntypedServiceImplementation {
    const { topics } = this.admin;
    return {
      listTopics: this.#answer(wire.ListTopicsResponseSchema, async (request: wire.ListTopicsRequest, call) => {
        const { prefix } = request;
        ask.checkTopicPrefix(prefix);
        const { rows, next } = await topics.list(prefix, ask.toPageAsk(request, [prefix]), this.#sight(call));
        return { topics: rows.map(convert.fromTopic), ...tokenOf(next, [prefix]) };
      }),
      getTopic: this.#answer(wire.GetTopicResponseSchema, async ({ topic: name }: wire.GetTopicRequest, call) => {
        checkPattern(name, 'topic');
        const { topic, channels } = await topics.get(name, this.#sight(call));
        return { topic: convert.fromTopic(topic), channels: channels.map(convert.fromChannel) };
      }),
      deleteTopic: this.#answer(wire.DeleteTopicResponseSchema, async (request: wire.DeleteTopicRequest, call) => {
        const { topic, purge, dryRun } = request;
        checkPattern(topic, 'topic');
        const deleting = topics.delete(topic, { purge, dryRun, ...this.#times(call) });
        const { channels, purged, cancelled, cron } = await this.#orStopped(call, 'DeleteTopic', topic, deleting);
        if (!dryRun) await this.#note(call, 'DeleteTopic', topic, channels);
        return { channels, purged: BigInt(purged), cancelled: BigInt(cancelled), cronEntries: cron };
      }),
    };
  }

  #channels(): UntypedServiceImplementation {
    const { channels } = this.admin;
    return {
      listChannels: this.#answer(wire.ListChannelsResponseSchema, async (request: wire.ListChannelsRequest, call) => {
        const { topic, prefix } = request;
        if (topic !== '') checkPattern(topic, 'topic');
        ask.checkChannelPrefix(prefix);
        const page = ask.toPageAsk(request, [topic, prefix]);
        const { rows, next } = await channels.list({ topic, prefix }, page, this.#sight(call));
        return { channels: rows.map(convert.fromChannel), ...tokenOf(next, [topic, prefix]) };
      }),
      getChannel: this.#answer(wire.GetChannelResponseSchema, async (request: wire.GetChannelRequest) => {
        ask.checkChannelName(request);
        return { channel: convert.fromChannel(await channels.get(request.topic, request.channel)) };
      }),
      createChannel: this.#answer(
        wire.CreateChannelResponseSchema,
        async (request: wire.CreateChannelRequest, call) => {
          const { topic, channel, retry } = request;
          ask.checkChannelName(request);
          const policy = retry === undefined ? undefined : toRetryPolicy(retry, 'retry', this.options.defaultRetry);
          const made = await channels.create(topic, channel, policy);
          await this.#note(call, 'CreateChannel', `${topic}/${channel}`, 1);
          return { channel: convert.fromChannel(made) };
        },
      ),
      deleteChannel: this.#answer(
        wire.DeleteChannelResponseSchema,
        async (request: wire.DeleteChannelRequest, call) => {
          const { topic, channel, purge, dryRun } = request;
          ask.checkChannelName(request);
          const deleting = channels.delete(topic, channel, { purge, dryRun, ...this.#times(call) });
          const target = `${topic}/${channel}`;
          const purged = await this.#orStopped(call, 'DeleteChannel', target, deleting);
          if (!dryRun) await this.#note(call, 'DeleteChannel', target, purged);
          return { purged: BigInt(purged) };
        },
      ),
      pauseChannel: this.#answer(wire.PauseChannelResponseSchema, (request: wire.PauseChannelRequest, call) =>
        this.#pause(request, true, call),
      ),
      resumeChannel: this.#answer(wire.ResumeChannelResponseSchema, (request: wire.ResumeChannelRequest, call) =>
        this.#pause(request, false, call),
      ),
      purgeChannel: this.#answer(wire.PurgeChannelResponseSchema, (request: wire.PurgeChannelRequest, call) =>
        this.#purge(request, call),
      ),
      listConsumers: this.#answer(
        wire.ListConsumersResponseSchema,
        async (request: wire.ListConsumersRequest, call) => {
          const { topic, channel } = request;
          if (topic !== '') checkPattern(topic, 'topic');
          if (channel !== '') checkChannel(channel, 'channel');
          const page = ask.toPageAsk(request, [topic, channel]);
          const all = (await this.admin.nodes.list()).flatMap((node) => {
            return consumersOf(node, topic, channel, this.#sight(call));
          });
          const { rows, next } = pageByPlace(all, page);
          return { consumers: [...rows], ...tokenOf(next, [topic, channel]) };
        },
      ),
    };
  }

  #messages(): UntypedServiceImplementation {
    const { messages } = this.admin;
    return {
      findMessages: this.#answer(wire.FindMessagesResponseSchema, async (request: wire.FindMessagesRequest, call) => {
        const filter = ask.toMessageFilter(request, this.options.searchHeaders);
        const { rows, next } = await messages.find(filter, ask.toPageAsk(request, filter), this.#sight(call));
        return { messages: rows.map(convert.fromRecord), ...tokenOf(next, filter) };
      }),
      getMessage: this.#answer(wire.GetMessageResponseSchema, async (request: wire.GetMessageRequest, call) => {
        const { topic, id, channel, channelTopic } = request;
        ask.checkNames(request);
        ask.checkMessageId(id, 'id');
        if (channelTopic !== '') checkPattern(channelTopic, 'channel_topic');
        const most = ask.toBodyBytes(request.maxBodyBytes);
        const found = await messages.get(topic, id, { channel, channelTopic }, this.#sight(call));
        return convert.fromMessage(found, most);
      }),
    };
  }

  #schedule(): UntypedServiceImplementation {
    const { dead } = this.admin;
    return {
      listScheduled: this.#answer(
        wire.ListScheduledResponseSchema,
        async (request: wire.ListScheduledRequest, call) => {
          ask.checkNames(request);
          const { topic, channel } = request;
          const times = ask.toTimes(request);
          const filter = { topic: topic === '' ? undefined : topic, channel, ...times };
          const { rows, next } = await dead.scheduled(filter, ask.toPageAsk(request, filter), this.#sight(call));
          return { scheduled: rows.map(convert.fromScheduled), ...tokenOf(next, filter) };
        },
      ),
      runNow: this.#answer(wire.RunNowResponseSchema, (request: wire.RunNowRequest, call) =>
        this.#runNow(request, call),
      ),
      listDead: this.#answer(wire.ListDeadResponseSchema, async (request: wire.ListDeadRequest, call) => {
        const query = ask.toDeadQuery(request.query);
        const { rows, next } = await dead.dead(query, ask.toPageAsk(request, query), this.#sight(call));
        return { dead: rows.map(convert.fromDead), ...tokenOf(next, query) };
      }),
      redrive: this.#answer(wire.RedriveResponseSchema, async (request: wire.RedriveRequest, call) => {
        const query = ask.toDeadQuery(request.query);
        const { dryRun } = request;
        const sight = this.#sight(call, 'admin');
        const terms = { limit: ask.toLimit(request.limit), dryRun, sight, ...this.#times(call) };
        const perSecond = ask.checkPerSecond(request.maxPerSecond);
        const how = { perSecond, dropTtl: request.dropTtl };
        const redriving = dead.redrive(query, this.#actor(call), how, terms);
        const { count, complete } = await this.#orStopped(call, 'Redrive', inWords(query), redriving);
        if (!dryRun) await this.#note(call, 'Redrive', inWords(query), count);
        return { count: BigInt(count), complete };
      }),
      deleteDead: this.#answer(wire.DeleteDeadResponseSchema, async (request: wire.DeleteDeadRequest, call) => {
        const query = ask.toDeadQuery(request.query);
        const { dryRun } = request;
        const sight = this.#sight(call, 'admin');
        const terms = { limit: ask.toLimit(request.limit), dryRun, sight, ...this.#times(call) };
        const deleting = dead.delete(query, terms);
        const { count, complete } = await this.#orStopped(call, 'DeleteDead', inWords(query), deleting);
        if (!dryRun) await this.#note(call, 'DeleteDead', inWords(query), count);
        return { count: BigInt(count), complete };
      }),
    };
  }

  #gateways(): UntypedServiceImplementation {
    const { nodes, stats, audit } = this.admin;
    return {
      listNodes: this.#answer(wire.ListNodesResponseSchema, async (request: wire.ListNodesRequest) => {
        const { rows, next } = pageOf(await nodes.list(), ask.toPageAsk(request, []), ({ name }) => name);
        return { nodes: rows.map(convert.fromNode), ...tokenOf(next, []) };
      }),
      getStats: this.#answer(wire.GetStatsResponseSchema, async ({ node }: wire.GetStatsRequest) => {
        const figures = await stats.of(node);
        if (figures === undefined) throw ask.invalid('node', 'the name of a gateway that runs, or nothing');
        return { stats: convert.fromStats(figures) };
      }),
      listAudit: this.#answer(wire.ListAuditResponseSchema, async (request: wire.ListAuditRequest) => {
        const filter = ask.toTimes(request);
        const { rows, next } = await audit.list(filter, ask.toPageAsk(request, filter));
        return { entries: rows.map(convert.fromAudit), ...tokenOf(next, filter) };
      }),
    };
  }

  async #pause(request: { topic: string; channel: string }, paused: boolean, call: Call): Promise<object> {
    ask.checkChannelName(request);
    const { topic, channel } = request;
    await this.admin.channels.pause(topic, channel, paused);
    await this.#note(call, paused ? 'PauseChannel' : 'ResumeChannel', `${topic}/${channel}`, 1);
    return {};
  }

  async #purge(request: wire.PurgeChannelRequest, call: Call): Promise<Answer<typeof wire.PurgeChannelResponseSchema>> {
    ask.checkChannelName(request);
    if (!request.ready && !request.scheduled) throw ask.invalid('ready', 'true, unless scheduled is');
    const { channels } = this.admin;
    const channel = await channels.find(request.topic, request.channel);
    if (request.dryRun) {
      const ready = request.ready ? await channels.countReady(channel) : 0;
      const scheduled = request.scheduled ? await channels.countScheduled(channel) : 0;
      return { ready: BigInt(ready), scheduled: BigInt(scheduled), complete: true };
    }
    const nothing = { count: 0, complete: true };
    const terms = this.#times(call);
    const target = `${channel.topic}/${channel.name}`;
    const purge = async () => {
      const scheduled = request.scheduled ? await channels.purgeScheduled(channel, terms) : nothing;
      return { scheduled, ready: request.ready ? await channels.purgeReady(channel, terms) : nothing };
    };
    const { scheduled, ready } = await this.#orStopped(call, 'PurgeChannel', target, purge());
    await this.#note(call, 'PurgeChannel', target, scheduled.count + ready.count);
    return {
      ready: BigInt(ready.count),
      scheduled: BigInt(scheduled.count),
      complete: ready.complete && scheduled.complete,
    };
  }

  async #runNow(request: wire.RunNowRequest, call: Call): Promise<object> {
    const { topic, id, channel } = request;
    checkTopic(topic, 'topic');
    ask.checkMessageId(id, 'id');
    if (channel !== '') checkChannel(channel, 'channel');
    const channelTopic = request.channelTopic === '' ? topic : request.channelTopic;
    checkPattern(channelTopic, 'channel_topic');
    const { id: channelId } =
      channel === '' ? { id: 0 as const } : await this.admin.channels.find(channelTopic, channel);
    const result = await this.admin.dead.runNow({ channel: channelId, topic, id });
    if (result === 'claimed') {
      throw new BusError('ALREADY_DELIVERED', `message "${id}" of topic "${topic}" is being delivered already`);
    }
    if (result === 'absent') {
      const where = channel === '' ? '' : ` for channel "${channel}"`;
      throw new BusError('SCHEDULED_NOT_FOUND', `no message "${id}" of topic "${topic}" waits in the schedule${where}`);
    }
    await this.#note(call, 'RunNow', `${topic}/${id}`, 1);
    return {};
  }

  #times(call: Call): { readonly now: number; readonly until: number } {
    const now = this.clock.now();
    return { now, until: deadlineOf(call, now, CALL_MS) };
  }

  /** What a fault stopped was done in part, nobody knows how far: the audit log says so. */
  async #orStopped<T>(call: Call, action: string, target: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const { reason, retryable } = BusError.from(error);
      if (retryable || reason === 'INTERNAL') await this.#note(call, `${action} (stopped)`, target, 0);
      throw error;
    }
  }

  #note(call: Call, action: string, target: string, count: number): Promise<void> {
    return this.admin.audit.note(this.#actor(call), action, target, count);
  }

  /** Who it is, or where it comes from where nobody is asked. */
  #actor(call: Call): string {
    return this.options.callers.of(call).name || call.getPeer();
  }

  #sight(call: Call, right: 'read' | 'admin' = 'read'): Sight {
    return this.options.callers.of(call).sight(right);
  }

  /** A method that answers by this schema. */
  #answer<Request, Desc extends DescMessage>(
    schema: Desc,
    handle: (request: Request, call: Call) => Promise<Answer<Desc>>,
  ) {
    return unary(this.logger, async (call: ServerUnaryCall<Request, MessageShape<Desc>>) =>
      create(schema, await handle(call.request, call)),
    );
  }
}

type Answer<Desc extends DescMessage> = MessageInitShape<Desc>;
type Call = AdminCall;

function tokenOf(next: Position | undefined, filter: unknown): { readonly nextPageToken: string } {
  return { nextPageToken: formatPageToken(next, filter) };
}

function consumersOf({ name, consumerSheets }: NodeSheet, topic: string, channel: string, sight: Sight) {
  return consumerSheets
    .filter((sheet) => (topic === '' || sheet.topic === topic) && (channel === '' || sheet.channel === channel))
    .filter((sheet) => sight.channel(sheet.topic, sheet.channel))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map((sheet) => convert.fromConsumer(name, sheet));
}

function keyOf({ topic, channel, since, name }: NodeSheet['consumerSheets'][number]): string {
  return `${topic}/${channel}/${String(since).padStart(16, '0')}/${name}`;
}

/** For the audit log, which keeps as much. */
const MAX_WORDS = 1_024;

function inWords(query: ReturnType<typeof ask.toDeadQuery>): string {
  const words = Object.entries(query)
    .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== '' && value !== 0))
    .map(([name, value]) => `${name}=${String(value)}`);
  return words.length === 0 ? 'all' : words.join(' ').slice(0, MAX_WORDS);
}
