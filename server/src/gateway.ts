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
import { splitOrigins } from './config/origins.js';
import type { Config } from './config/schema.js';
import type { Guard } from './edge/access/guard.js';
import { DirectServices } from './edge/direct/services.js';
import { AdminService, adminDefinition } from './edge/grpc/admin-service.js';
import { BusService, busDefinition } from './edge/grpc/bus-service.js';
import { Connections } from './edge/grpc/connections.js';
import { LocksService, locksDefinition } from './edge/grpc/locks-service.js';
import { MqService, mqDefinition, mqTopicDefinition } from './edge/grpc/mq-service.js';
import { RpcServer, type RpcService } from './edge/grpc/server.js';
import { SubscribeStreams } from './edge/grpc/subscribe-stream.js';
import { adminRoutes } from './edge/http/admin-ui.js';
import { healthRoutes } from './edge/http/health.js';
import { metricsRoute } from './edge/http/metrics.js';
import { Origins } from './edge/http/origin.js';
import { HttpCalls } from './edge/http/rpc.js';
import { HttpServer } from './edge/http/server.js';
import { statsRoute } from './edge/http/stats.js';
import type { Tls } from './edge/tls.js';
import { figures } from './figures.js';
import type { RetryPolicy } from './model/retry-policy.js';
import { splitHeaders } from './model/search-term.js';
import { Metrics } from './observability/metrics.js';
import type { GatewayTelemetry } from './observability/telemetry.js';
import type { Clock } from './ports/clock.js';
import type { Engine } from './ports/engine.js';
import type { Logger } from './ports/logger.js';
import type { Service } from './ports/service.js';
import { silentTelemetry, type Telemetry, type Watch } from './ports/telemetry.js';
import { Security } from './security.js';
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
export const VERSION = versionOf(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

export interface GatewayOptions {
  /** False: it opens no port, and is called by `direct` alone. Default: true. */
  readonly listens?: boolean;
  /** Without it, it tells nothing of itself but by its log, and has no `/metrics`. */
  readonly telemetry?: GatewayTelemetry;
}

/**
 * A gateway on an engine: the bus, its workers and both ports.
 *
 * Start goes from the ground up: security, engine, bus, workers, HTTP, gRPC. Stop goes back: gRPC drains its consumers first, while all
 * that they need still works; the engine is the last to go.
 */
export class Gateway implements Service {
  readonly #bus: Bus;
  readonly #locks: LockDesk;
  readonly #admin: Admin;
  /** The services, called without a port. */
  readonly direct: DirectServices;
  readonly #rpc: RpcServer;
  readonly #http: HttpServer;
  readonly #services: readonly Service[];
  #started: Service[] = [];
  #draining = false;

  constructor(config: Config, engine: Engine, logger: Logger, clock: Clock, options: GatewayOptions = {}) {
    const { listens = true, telemetry } = options;
    const security = new Security(config, logger, clock);
    this.#bus = makeBus(config, engine, logger, clock, telemetry);
    this.#locks = new LockDesk(engine.clientLocks, clock, this.#bus.waiting, engine.lockRegister);
    const workers = makeWorkers(config, engine, this.#bus, logger, clock);
    const facts = { name: engine.node, version: VERSION, engine: engineOf(config) };
    const { guard } = security;
    const connections = new Connections(clock);
    const callers = (limit: number) => connections.sheets(limit);
    this.#admin = new Admin({ ...engine, clock, logger }, this.#bus, facts, { shards: workers.shards, callers });
    const edge = { guard, connections, watch: telemetry?.watch };
    const services = makeServices(config, engine, this.#bus, this.#locks, this.#admin, edge, logger, clock);
    const sources = {
      ...facts,
      bus: this.#bus,
      readings: this.#admin.readings,
      streams: services.streams,
      dependencies: engine.dependencies,
      shards: workers.shards,
      most: config.MetricsMaxChannels,
      clock,
    };
    this.#rpc = makeRpc(config, services, security.tls);
    const called = [...services.list, this.#rpc.health];
    this.direct = new DirectServices(called);
    const host = listenHost(config);
    const calls = new HttpCalls({
      services: called.map(({ desc }) => desc),
      direct: this.direct,
      maxMessageBytes: config.MaxMessageBytes,
      origins: new Origins(splitOrigins(config.HttpAllowedOrigins), host),
      logger,
    });
    const routes = [
      ...healthRoutes({ dependencies: engine.dependencies, draining: () => this.#draining }),
      statsRoute(() => this.#bus.counts),
      ...(telemetry === undefined ? [] : [metricsRoute(new Metrics(telemetry.meters, () => figures(sources)), guard)]),
      ...calls.routes,
      ...adminRoutes(),
    ];
    this.#http = new HttpServer({ host, port: config.HttpPort, routes, logger, tls: security.tls });
    const { publisher, keeper, rebalancer } = this.#bus;
    this.#services = [
      ...(telemetry === undefined ? [] : [telemetry]),
      security,
      ...engine.services,
      publisher,
      keeper,
      ...(rebalancer === undefined ? [] : [rebalancer]),
      ...workers.services,
      this.#admin.nodes,
      ...(listens ? [this.#http, calls, this.#rpc] : [withoutPorts(services)]),
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

function makeBus(
  config: Config,
  engine: Engine,
  logger: Logger,
  clock: Clock,
  telemetry: Telemetry = silentTelemetry,
): Bus {
  return new Bus(
    { ...engine, clock, logger, telemetry },
    {
      maxMessageBytes: config.MaxMessageBytes,
      frameMessages: config.FrameMaxMessages,
      maxPendingPublishBytes: config.MaxPendingPublishBytes,
      prefetchLimit: config.PrefetchCount,
      defaultLeaseMs: config.MaxJobRunningSeconds * 1000,
      defaultRetry: defaultRetry(config),
      limits: limits(config),
      countedChannels: config.MetricsMaxChannels,
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

interface Services {
  readonly list: readonly RpcService[];
  /** Of all streams. */
  readonly streams: Limit;
  /** Ends streams and calls in order. */
  drain(graceMs: number): Promise<void>;
}

/** What stands around every service. */
interface Edge {
  readonly guard: Guard;
  readonly connections: Connections;
  readonly watch: Watch | undefined;
}

function makeServices(
  config: Config,
  { broker }: Engine,
  bus: Bus,
  locks: LockDesk,
  admin: Admin,
  { guard, connections, watch }: Edge,
  logger: Logger,
  clock: Clock,
): Services {
  const consumers = {
    maxCredit: config.MaxCredit,
    defaultLeaseMs: config.MaxJobRunningSeconds * 1000,
    defaultRetry: defaultRetry(config),
  };
  const limit = new Limit('streams', 'MaxStreams', config.MaxStreams);
  const heartbeatMs = config.HeartbeatSeconds * 1000;
  const streams = new SubscribeStreams(bus, logger, { ...consumers, heartbeatMs, guard }, limit);
  const publishTimeoutMs = config.PublishTimeoutSeconds * 1000;
  const service = new BusService(bus, streams, clock, logger, {
    ...consumers,
    publishTimeoutMs,
    streams: limit,
    guard,
    watch,
  });
  const lockService = new LocksService(locks, clock, logger, guard);
  const adminService = new AdminService(admin, locks, clock, logger, {
    defaultRetry: defaultRetry(config),
    streams: limit,
    callers: guard,
    searchHeaders: splitHeaders(config.SearchHeaders),
  });
  const mq = new MqService(bus, () => broker.health() === undefined, clock, logger, {
    maxMessageBytes: config.MaxMessageBytes,
    publishTimeoutMs,
    leaseMs: consumers.defaultLeaseMs,
    guard,
  });
  return {
    streams: limit,
    list: [
      { desc: BusDesc, definition: busDefinition, implementation: service.implementation() },
      { desc: AdminDesc, definition: adminDefinition, implementation: adminService.implementation() },
      { desc: LocksDesc, definition: locksDefinition, implementation: lockService.implementation() },
      { desc: Mq, definition: mqDefinition, implementation: mq.queues() },
      { desc: MqTopic, definition: mqTopicDefinition, implementation: mq.topics() },
    ].map((service) => {
      const { implementation, ...rest } = guard.protect(service);
      return { ...rest, implementation: connections.watch(implementation) };
    }),
    async drain(graceMs) {
      adminService.drain();
      await Promise.all([streams.drain(graceMs), service.drain(graceMs)]);
    },
  };
}

/** Whoever called them has ended its calls, and what they held is on its way back. */
function withoutPorts({ drain }: Services): Service {
  return { start: async () => {}, stop: () => drain(0) };
}

function makeRpc(config: Config, { list, drain }: Services, tls: Tls | undefined): RpcServer {
  return new RpcServer(
    list,
    {
      host: listenHost(config),
      port: config.RpcPort,
      maxMessageBytes: config.MaxMessageBytes,
      keepaliveMs: config.KeepaliveSeconds * 1000,
      drainMs: config.DrainSeconds * 1000,
      reflection: config.ReflectionEnabled,
      tls,
    },
    drain,
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
