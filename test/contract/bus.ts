import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway, GatewayGroup } from '../support/gateway.js';
import { gatewayGroup } from '../support/gateway.js';
import { type Service, startMariadb, startRabbit, startRedis } from '../support/services.js';
import type { StartOptions } from './engines.js';
import { embeddedLedger, type LedgerView, mysqlLedger } from './ledger-view.js';

/** Something that crashes and comes back on the same data. */
export interface Part {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Gateways that are one bus on one engine, and what a test may do to them. */
export interface Bus {
  readonly gateways: readonly Gateway[];
  readonly parts: ReadonlyMap<string, Part>;
  readonly ledger: LedgerView;
  /** Resolves when the channels that exist outlive a SIGKILL of the engine's parts. */
  channelsKept(): Promise<void>;
  printLogs(): void;
  remove(): Promise<void>;
}

export async function embeddedBus({ settings = {} }: StartOptions): Promise<Bus> {
  const group = await gatewayGroup('embedded');
  const gateway = await group.start(settings);
  return {
    gateways: [gateway],
    parts: new Map([['gateway', gateway]]),
    ledger: embeddedLedger(gateway),
    channelsKept: async () => {},
    printLogs: () => group.printLogs(),
    remove: () => group.remove(),
  };
}

const MOST_NODES = 3;
/**
 * RabbitMQ says that it has made a quorum queue before its name is on the disk. Killed within that time, it comes back with a queue
 * that takes and gives nothing (seen with 3.10, and a client of 20 lines). It tells nobody when the time is over.
 */
const QUEUE_KEPT_MS = 2_000;

export async function clusterBus({ nodes = 1, settings = {}, breakable = false }: StartOptions): Promise<Bus> {
  const own = breakable ? await ownServices() : undefined;
  const group = await gatewayGroup('cluster', own?.urls);
  const gateways = await startGateways(group, Math.min(nodes, MOST_NODES), settings);
  const { space } = group;
  if (space === undefined) throw new Error('a cluster has a space of its own');
  return {
    gateways,
    parts: own?.parts ?? new Map(),
    ledger: mysqlLedger(space.databaseUrl),
    channelsKept: () => delay(QUEUE_KEPT_MS),
    printLogs: () => group.printLogs(),
    async remove() {
      await group.remove();
      await Promise.all(own?.services.map((service) => service.remove()) ?? []);
    },
  };
}

/** One after the other: the first one makes the tables. */
async function startGateways(group: GatewayGroup, count: number, settings: StartOptions['settings']) {
  const gateways: Gateway[] = [];
  while (gateways.length < count) gateways.push(await group.start(settings));
  return gateways;
}

async function ownServices() {
  const services: [Service, Service, Service] = await Promise.all([startRabbit(), startMariadb(), startRedis()]);
  const [rabbitmq, mysql, redis] = services;
  return {
    services,
    urls: { rabbitmq: rabbitmq.url, mysql: mysql.url, redis: redis.url },
    parts: new Map<string, Part>(Object.entries({ rabbitmq, mysql, redis })),
  };
}
