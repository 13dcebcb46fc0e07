import type { ChannelModel } from 'amqplib';
import type { Channel } from '../../model/channel.js';
import type { Frame } from '../../model/message.js';
import type { Broker, BrokerConsumer, Destination, FrameSink, Routing } from '../../ports/broker.js';
import { type Logger, silentLogger } from '../../ports/logger.js';
import type { Connections } from '../../ports/service.js';
import { RabbitConnection } from './connection.js';
import { RabbitConsumer } from './consumer.js';
import { Lane } from './lane.js';
import { Probe } from './probe.js';
import { Publisher } from './publisher.js';
import { RabbitQueues } from './queues.js';
import { RabbitRebalance } from './rebalance.js';
import { RENEWAL, type RenewalTimes } from './renewal.js';
import { type QueueType, Topology } from './topology.js';

/** AMQP channels that all consumers of the gateway share. */
const LANES = 16;
/** The largest prefetch that the protocol can say. */
const MAX_PREFETCH = 65_535;
/** What RabbitMQ ends a connection with over a fault of its own. */
const INTERNAL_ERROR = /\b541\b/;
/** How often lanes are looked at whether their channels are to be renewed. */
const LOOK_MS = 1_000;

export interface RabbitBrokerOptions {
  /** `amqp://user:password@host:5672/vhost`, or `amqps://`; several are nodes of one cluster. */
  readonly url: string | readonly string[];
  /** The name of the exchange and the first part of every queue's name. Default `waybill`. */
  readonly prefix?: string;
  /** The type of the queues that are made. Default `quorum`. */
  readonly queueType?: QueueType;
  /** The most frames that one consumer may hold, 1 to 65,535. Default 1,000. */
  readonly prefetchLimit?: number;
  /** Bytes of all publishes that wait to be sent or confirmed; past it a publish is refused as OVERLOADED. Default 64 MiB. */
  readonly maxPendingBytes?: number;
  /** A connection that is silent for twice as long is given up. Default 15. */
  readonly heartbeatSeconds?: number;
  /** When the AMQP channels of consumers are renewed. */
  readonly renewal?: RenewalTimes;
  readonly logger?: Logger;
}

/**
 * The broker on RabbitMQ 3.10 to 4.x: one topic exchange, and one durable queue a channel. Publishing and consuming have a
 * connection each, because an alarm of the broker stops whole connections.
 */
export class RabbitBroker implements Broker {
  readonly name = 'rabbitmq';
  readonly prefix: string;
  readonly rebalance: RabbitRebalance;
  readonly queues: RabbitQueues;
  readonly #topology: Topology;
  readonly #publisher: Publisher;
  readonly #lanes: readonly Lane[];
  readonly #probe: Probe;
  readonly #publishing: RabbitConnection;
  readonly #consuming: RabbitConnection;
  readonly #prefetchLimit: number;
  readonly #logger: Logger;
  readonly #consumers = new Set<RabbitConsumer>();
  #tags = 0;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: RabbitBrokerOptions) {
    const { url, prefix = 'waybill', queueType = 'quorum', heartbeatSeconds = 15 } = options;
    const { renewal = RENEWAL, logger = silentLogger } = options;
    this.prefix = prefix;
    this.#logger = logger;
    this.#prefetchLimit = Math.min(options.prefetchLimit ?? 1_000, MAX_PREFETCH);
    this.#topology = new Topology({ prefix, queueType, logger });
    this.#publisher = new Publisher({
      maxPendingBytes: options.maxPendingBytes ?? 64 * 1024 * 1024,
      topology: this.#topology,
      logger,
    });
    this.rebalance = new RabbitRebalance(prefix, logger);
    this.queues = new RabbitQueues(this.#topology, logger);
    this.#lanes = Array.from({ length: LANES }, () => new Lane(renewal, logger));
    const both = { urls: typeof url === 'string' ? [url] : url, heartbeatSeconds, logger };
    this.#probe = new Probe({ ...both, name: `${prefix} probe` });
    this.#publishing = new RabbitConnection({
      ...both,
      name: `${prefix} publish`,
      up: async (model) => {
        await Promise.all([this.#publisher.up(model), this.rebalance.sayingUp(model)]);
      },
      down: () => {
        this.#publisher.down();
        this.rebalance.sayingDown();
      },
      blocked: (blocked) => this.#publisher.blocked(blocked),
    });
    this.#consuming = new RabbitConnection({
      ...both,
      name: `${prefix} consume`,
      up: (model) => this.#consumingUp(model),
      down: (reason) => {
        if (INTERNAL_ERROR.test(reason)) this.#probe.warn();
        this.#topology.down();
        this.queues.down();
        this.rebalance.hearingDown();
        for (const lane of this.#lanes) lane.down();
      },
      // Nothing is published on this connection.
      blocked: () => undefined,
    });
  }

  async start(): Promise<void> {
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
    await Promise.all([this.#publishing.start(), this.#consuming.start()]);
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking);
    this.#publisher.stop();
    this.#topology.stop();
    this.#probe.stop();
    // Not waited for: a broker that is frozen answers no cancel.
    for (const consumer of this.#consumers) consumer.stop().catch(() => undefined);
    await Promise.all([this.#publishing.stop(), this.#consuming.stop()]);
  }

  health(): string | undefined {
    return this.#publishing.health() ?? this.#consuming.health();
  }

  connections(): Connections {
    const both = [this.#publishing, this.#consuming];
    return {
      connects: both.reduce((sum, { connects }) => sum + connects, 0),
      open: both.filter(({ up }) => up).length,
    };
  }

  publish(frame: Frame, to: Destination, signal?: AbortSignal): Promise<Routing> {
    return this.#publisher.publish(frame, to, signal);
  }

  declare(channel: Channel, signal?: AbortSignal): Promise<void> {
    return this.#topology.declare(channel, signal);
  }

  consume(channel: Channel, sink: FrameSink): BrokerConsumer {
    const lane = this.#lanes.reduce((least, other) => (other.size < least.size ? other : least));
    const consumer = new RabbitConsumer({
      channel,
      sink,
      lane,
      topology: this.#topology,
      queues: this.queues,
      probe: this.#probe,
      prefetchLimit: this.#prefetchLimit,
      tag: `waybill.${++this.#tags}`,
      stopped: () => this.#consumers.delete(consumer),
      logger: this.#logger,
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  #look(): void {
    const now = performance.now();
    for (const lane of this.#lanes) {
      lane.look(now).catch((error: unknown) => {
        // As when the connection is lost just now.
        this.#logger.debug({ error }, 'a channel could not be renewed; it is tried again');
      });
    }
  }

  async #consumingUp(model: ChannelModel): Promise<void> {
    await this.#topology.up(model);
    await Promise.all([
      this.rebalance.hearingUp(model),
      this.queues.up(model),
      ...this.#lanes.map((lane) => lane.up(model)),
    ]);
  }
}
