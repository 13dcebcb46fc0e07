import { Bus } from './bus/bus.js';
import { listenHost } from './config/engine.js';
import type { Config } from './config/schema.js';
import { BusService, busDefinition } from './edge/grpc/bus-service.js';
import { RpcServer } from './edge/grpc/server.js';
import { SubscribeStreams } from './edge/grpc/subscribe-stream.js';
import { healthRoutes } from './edge/http/health.js';
import { HttpServer } from './edge/http/server.js';
import type { RetryPolicy } from './model/retry-policy.js';
import type { Clock } from './ports/clock.js';
import type { Engine } from './ports/engine.js';
import type { Logger } from './ports/logger.js';
import type { Service } from './ports/service.js';
import { DueWorker } from './workers/due.js';
import { ExpiryWorker } from './workers/expiry.js';
import { ParkedWorker } from './workers/parked.js';
import { PruneWorker } from './workers/prune.js';
import { type Job, Runner } from './workers/runner.js';

const HOUR_MS = 3_600_000;

/**
 * A gateway on an engine: the bus, its workers and both ports.
 *
 * Start goes from the ground up: engine, bus, workers, HTTP, gRPC. Stop goes back: gRPC drains its consumers first, while all
 * that they need still works; the engine is the last to go.
 */
export class Gateway implements Service {
  readonly #bus: Bus;
  readonly #rpc: RpcServer;
  readonly #http: HttpServer;
  readonly #services: readonly Service[];
  #started: Service[] = [];
  #draining = false;

  constructor(config: Config, engine: Engine, logger: Logger, clock: Clock) {
    this.#bus = makeBus(config, engine, logger, clock);
    this.#rpc = makeRpc(config, this.#bus, logger, clock);
    const host = listenHost(config);
    const routes = healthRoutes({ dependencies: engine.dependencies, draining: () => this.#draining });
    this.#http = new HttpServer({ host, port: config.HttpPort, routes, logger });
    const workers = makeWorkers(config, engine, this.#bus, logger, clock);
    this.#services = [...engine.services, this.#bus.keeper, ...workers, this.#http, this.#rpc];
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
    },
  );
}

function makeRpc(config: Config, bus: Bus, logger: Logger, clock: Clock): RpcServer {
  const consumers = {
    maxCredit: config.MaxCredit,
    defaultLeaseMs: config.MaxJobRunningSeconds * 1000,
    defaultRetry: defaultRetry(config),
  };
  const streams = new SubscribeStreams(bus, logger, { ...consumers, heartbeatMs: config.HeartbeatSeconds * 1000 });
  const publishTimeoutMs = config.PublishTimeoutSeconds * 1000;
  const service = new BusService(bus, streams, clock, logger, { ...consumers, publishTimeoutMs });
  return new RpcServer(
    [{ definition: busDefinition, implementation: service.implementation() }],
    {
      host: listenHost(config),
      port: config.RpcPort,
      maxMessageBytes: config.MaxMessageBytes,
      keepaliveMs: config.KeepaliveSeconds * 1000,
      drainMs: config.DrainSeconds * 1000,
    },
    async (graceMs) => {
      await Promise.all([streams.drain(graceMs), service.drain(graceMs)]);
    },
  );
}

function makeWorkers(config: Config, engine: Engine, bus: Bus, logger: Logger, clock: Clock): Service[] {
  const { schedule, locks } = engine;
  const runner = (job: Job) => new Runner(job, locks, logger, { lockMs: config.DLMExpiration * 1000 });
  const workers: Runner[] = [runner(new PruneWorker(schedule, clock, config.LedgerRetentionHours * HOUR_MS))];
  if (config.CronRepublishEnabled) workers.push(runner(new ExpiryWorker(schedule, bus.settler, clock)));
  if (config.CronDelayPublishEnabled) {
    const due = runner(new DueWorker(schedule, bus.releaser, clock));
    bus.onScheduled(() => due.wake());
    workers.push(due, runner(new ParkedWorker(bus.parking)));
  }
  return workers;
}

function defaultRetry(config: Config): RetryPolicy {
  return {
    maxRetries: config.RetryTimes,
    backoff: { kind: 'fixed', delayMs: config.NackdJobNextRunDelaySeconds * 1000 },
  };
}
