import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Mq, MqTopic } from '@waybill/proto/mq/mq';
import { Admin as AdminDesc } from '@waybill/proto/waybill/v1/admin';
import { Bus as BusDesc } from '@waybill/proto/waybill/v1/bus';
import { Locks as LocksDesc } from '@waybill/proto/waybill/v1/locks';
import { Admin } from './bus/admin/admin.js';
import { Bus } from './bus/bus.js';
import { Cron } from './bus/cron.js';
import { Limit } from './bus/limit.js';
import type { BusLimits } from './bus/limits.js';
import { LockDesk } from './bus/lock-desk.js';
import { CLAIM_MS } from './bus/release.js';
import { engine as engineOf, listenHost } from './config/engine.js';
import type { Config } from './config/schema.js';
import { AdminService, adminDefinition } from './edge/grpc/admin-service.js';
import { BusService, busDefinition } from './edge/grpc/bus-service.js';
import { Connections } from './edge/grpc/connections.js';
import { LocksService, locksDefinition } from './edge/grpc/locks-service.js';
import { MqService, mqDefinition, mqTopicDefinition } from './edge/grpc/mq-service.js';
import { RpcServer } from './edge/grpc/server.js';
import { SubscribeStreams } from './edge/grpc/subscribe-stream.js';
import { healthRoutes } from './edge/http/health.js';
import { HttpServer } from './edge/http/server.js';
import { statsRoute } from './edge/http/stats.js';
import type { RetryPolicy } from './model/retry-policy.js';
import { splitHeaders } from './model/search-term.js';
import type { Clock } from './ports/clock.js';
import type { Engine } from './ports/engine.js';
import type { Logger } from './ports/logger.js';
import type { Service } from './ports/service.js';
import { AuditPruneWorker } from './workers/audit-prune.js';
import { CronWorker } from './workers/cron.js';
import { DueWorker } from './workers/due.js';
import { ExpiryWorker } from './workers/expiry.js';
import { ParkedWorker } from './workers/parked.js';
import { LockPermit } from './workers/permit.js';
import { PruneWorker } from './workers/prune.js';
import { type Job, Runner } from './workers/runner.js';
import { Shards } from './workers/shards.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const VERSION = versionOf(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/**
 * A gateway on an engine: the bus, its workers and both ports.
 *
 * Start goes from the ground up: engine, bus, workers, HTTP, gRPC. Stop goes back: gRPC drains its consumers first, while all
 * that they need still works; the engine is the last to go.
 */
export class Gateway implements Service {
  readonly #bus: Bus;
  readonly #locks: LockDesk;
  readonly #admin: Admin;
  readonly #rpc: RpcServer;
  readonly #http: HttpServer;
  readonly #services: readonly Service[];
  #started: Service[] = [];
  #draining = false;

  constructor(config: Config, engine: Engine, logger: Logger, clock: Clock) {
    this.#bus = makeBus(config, engine, logger, clock);
    this.#locks = new LockDesk(engine.clientLocks, clock, this.#bus.waiting, engine.lockRegister);
    const workers = makeWorkers(config, engine, this.#bus, logger, clock);
    const facts = { name: engine.node, version: VERSION, engine: engineOf(config) };
    const connections = new Connections(clock);
    const callers = (limit: number) => connections.sheets(limit);
    this.#admin = new Admin({ ...engine, clock, logger }, this.#bus, facts, { shards: workers.shards, callers });
    this.#rpc = makeRpc(config, engine, this.#bus, this.#locks, this.#admin, connections, logger, clock);
    const host = listenHost(config);
    const routes = [
      ...healthRoutes({ dependencies: engine.dependencies, draining: () => this.#draining }),
      statsRoute(() => this.#bus.counts),
    ];
    this.#http = new HttpServer({ host, port: config.HttpPort, routes, logger });
    const { keeper, rebalancer } = this.#bus;
    this.#services = [
      ...engine.services,
      keeper,
      ...(rebalancer === undefined ? [] : [rebalancer]),
      ...workers.services,
      this.#admin.nodes,
      this.#http,
      this.#rpc,
    ];
  }

  /** The ports that it listens on. */
  get ports(): { readonly rpc: number; readonly http: number } {
    return { rpc: this.#rpc.port, http: this.#http.port };
  }

  /** Rejects, with all stopped again, when it cannot listen or its data file cannot be used. Services that are away do not count. */
  async start(): Promise<void> {
    try {
      for (const service of this.#services) {
        this.#started.push(service);
        await service.start();
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#draining = true;
    this.#bus.drain();
    this.#locks.drain();
    const started = this.#started.reverse();
    this.#started = [];
    for (const service of started) await service.stop();
  }
}

function makeBus(config: Config, engine: Engine, logger: Logger, clock: Clock): Bus {
  return new Bus(
    { ...engine, clock, logger },
    {
      maxMessageBytes: config.MaxMessageBytes,
      frameMessages: config.FrameMaxMessages,
      maxPendingPublishBytes: config.MaxPendingPublishBytes,
      prefetchLimit: config.PrefetchCount,
      defaultLeaseMs: config.MaxJobRunningSeconds * 1000,
      defaultRetry: defaultRetry(config),
      limits: limits(config),
      searchHeaders: splitHeaders(config.SearchHeaders),
    },
  );
}

function limits(config: Config): BusLimits {
  return {
    client: { messages: config.MaxUnsettledPerClient, bytes: config.MaxUnsettledBytesPerClient },
    heldBytes: config.MaxHeldBytes,
    subscribersPerChannel: config.MaxSubscribersPerChannel,
    channels: config.MaxChannels,
    topics: config.MaxTopics,
    waitingCalls: config.MaxWaitingCalls,
    pendingSettles: config.MaxPendingSettles,
  };
}

function makeRpc(
  config: Config,
  { broker }: Engine,
  bus: Bus,
  locks: LockDesk,
  admin: Admin,
  connections: Connections,
  logger: Logger,
  clock: Clock,
): RpcServer {
  const consumers = {
    maxCredit: config.MaxCredit,
    defaultLeaseMs: config.MaxJobRunningSeconds * 1000,
    defaultRetry: defaultRetry(config),
  };
  const limit = new Limit('streams', 'MaxStreams', config.MaxStreams);
  const heartbeatMs = config.HeartbeatSeconds * 1000;
  const streams = new SubscribeStreams(bus, logger, { ...consumers, heartbeatMs }, limit);
  const publishTimeoutMs = config.PublishTimeoutSeconds * 1000;
  const service = new BusService(bus, streams, clock, logger, { ...consumers, publishTimeoutMs, streams: limit });
  const lockService = new LocksService(locks, clock, logger);
  const searchHeaders = splitHeaders(config.SearchHeaders);
  const adminOptions = { defaultRetry: defaultRetry(config), streams: limit, searchHeaders };
  const adminService = new AdminService(admin, locks, clock, logger, adminOptions);
  const mq = new MqService(bus, () => broker.health() === undefined, clock, logger, {
    maxMessageBytes: config.MaxMessageBytes,
    publishTimeoutMs,
    leaseMs: consumers.defaultLeaseMs,
  });
  return new RpcServer(
    [
      { desc: BusDesc, definition: busDefinition, implementation: service.implementation() },
      { desc: AdminDesc, definition: adminDefinition, implementation: adminService.implementation() },
      { desc: LocksDesc, definition: locksDefinition, implementation: lockService.implementation() },
      { desc: Mq, definition: mqDefinition, implementation: mq.queues() },
      { desc: MqTopic, definition: mqTopicDefinition, implementation: mq.topics() },
    ].map((service) => ({ ...service, implementation: connections.watch(service.implementation) })),
    {
      host: listenHost(config),
      port: config.RpcPort,
      maxMessageBytes: config.MaxMessageBytes,
      keepaliveMs: config.KeepaliveSeconds * 1000,
      drainMs: config.DrainSeconds * 1000,
    },
    async (graceMs) => {
      adminService.drain();
      await Promise.all([streams.drain(graceMs), service.drain(graceMs)]);
    },
  );
}

interface Workers {
  readonly services: readonly Service[];
  /** The shards whose due messages this gateway publishes. */
  readonly shards: () => readonly number[];
}

function makeWorkers(config: Config, engine: Engine, bus: Bus, logger: Logger, clock: Clock): Workers {
  const { schedule, locks, membership } = engine;
  const lockMs = config.DLMExpiration * 1000;
  const locked = (job: Job) => new Runner(job, new LockPermit(job.name, locks, lockMs), logger);
  const workers: Service[] = [
    locked(new PruneWorker(schedule, clock, config.LedgerRetentionHours * HOUR_MS)),
    locked(new AuditPruneWorker(engine.auditLog, clock, config.AuditRetentionDays * DAY_MS)),
  ];
  const gateway = randomUUID();
  let shardsOfDue: () => readonly number[] = () => [];
  /** A job over the shards that this gateway holds for it, which it holds only as long as it does the job. */
  const sharded = (name: string, make: (shards: Shards) => Job): Runner => {
    const shards = new Shards({ job: name, locks, membership, logger, gateway, lockMs, changed: () => runner.wake() });
    const runner = new Runner(make(shards), shards, logger);
    workers.push(shards, runner);
    return runner;
  };
  if (config.CronRepublishEnabled)
    sharded('expiry', (shards) => new ExpiryWorker(schedule, bus.settler, shards, clock));
  if (config.CronDelayPublishEnabled) {
    const claimMs = Math.min(lockMs, CLAIM_MS);
    const { releaser } = bus;
    const due = sharded('due', (shards) => {
      shardsOfDue = () => shards.held.map(({ shard }) => shard).sort((a, b) => a - b);
      return new DueWorker({ schedule, releaser, shards, clock, logger, claimMs });
    });
    bus.onScheduled(() => due.wake());
    workers.push(locked(new ParkedWorker(bus.parking)));
    const { cronTicks: ticks } = engine;
    const cron = new Cron({ ticks, termsOf: bus.termsOf, clock, logger, scheduled: (dueAt) => bus.wakeAt(dueAt) });
    workers.push(locked(new CronWorker(cron)));
  }
  return { services: workers, shards: () => shardsOfDue() };
}

function defaultRetry(config: Config): RetryPolicy {
  return {
    maxRetries: config.RetryTimes,
    backoff: { kind: 'fixed', delayMs: config.NackdJobNextRunDelaySeconds * 1000 },
  };
}

function versionOf(packageText: string): string {
  const { version }: { version: string } = JSON.parse(packageText);
  return version;
}
