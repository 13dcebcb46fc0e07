import { ClusterSpace } from '../support/cluster-space.js';
import { type Engine, type Gateway, GatewayGroup, type Settings } from '../support/gateway.js';
import type { RabbitService, Service, ServiceName, ServiceUrls } from '../support/services/service.js';
import { startOwn } from '../support/services/start.js';
import type { OwnServices, Spares } from './spares.js';

export type Length = 'full' | 'short';

/** Where a scenario is played: its engine, its length, and whatever it starts, which is gone when it ends. */
export class Stage {
  readonly engine: Engine;
  readonly length: Length;
  readonly #shared: ServiceUrls;
  readonly #clearing: (() => Promise<void>)[] = [];
  readonly #groups: GatewayGroup[] = [];
  readonly #spares: Spares;
  #wentWell = false;

  /** `shared`: services that no scenario breaks; `spares`: those that they do. */
  constructor(engine: Engine, length: Length, shared: ServiceUrls, spares: Spares) {
    this.engine = engine;
    this.length = length;
    this.#shared = shared;
    this.#spares = spares;
  }

  /** The shared ones: to be reached, never to be broken. */
  get services(): ServiceUrls {
    return this.#shared;
  }

  /** `npm run chaos` plays in full; `npm test` plays it short. */
  pick<T>(full: T, short: T): T {
    return this.length === 'full' ? full : short;
  }

  /** Gateways that are one bus. On the cluster engine they are on the shared services, but for those that are named. */
  async group(own: Partial<ServiceUrls> = {}): Promise<GatewayGroup> {
    const space = this.engine === 'cluster' ? await ClusterSpace.create(own, this.#shared) : undefined;
    const group = new GatewayGroup(space);
    this.#groups.push(group);
    this.atEnd(async () => {
      await group.removeGateways();
      // A service of the scenario's own takes its data with it, and may be down for good.
      if (space) await Promise.allSettled([space.remove()]);
    });
    return group;
  }

  async gateway(settings: Settings = {}, own: Partial<ServiceUrls> = {}): Promise<Gateway> {
    return (await this.group(own)).start(settings);
  }

  /** Services of the scenario's own, which it may break. */
  rabbit(): Promise<RabbitService> {
    return this.#own(startOwn('rabbitmq'));
  }

  mysql(): Promise<Service> {
    return this.#own(startOwn('mysql'));
  }

  redis(): Promise<Service> {
    return this.#own(startOwn('redis'));
  }

  /**
   * The same for a scenario that leaves the service running, with the settings that it had found, when it goes well: the next
   * one has it then.
   */
  async borrow<N extends ServiceName>(name: N): Promise<OwnServices[N]> {
    const service = await this.#spares.take(name);
    this.atEnd(async () => {
      if (this.#wentWell) this.#spares.give(name, service);
      else await service.remove();
    });
    return service;
  }

  wentWell(): void {
    this.#wentWell = true;
  }

  /** Runs when the scenario ends, however it ends; last come, first run. */
  atEnd(work: () => Promise<unknown> | undefined): void {
    this.#clearing.push(async () => {
      await work();
    });
  }

  printLogs(): void {
    for (const group of this.#groups) group.printLogs();
  }

  async clear(): Promise<void> {
    const failures: unknown[] = [];
    for (const work of this.#clearing.reverse().splice(0)) {
      await work().catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'what a scenario started did not end');
  }

  async #own<S extends Service>(starting: Promise<S>): Promise<S> {
    const service = await starting;
    this.atEnd(() => service.remove());
    return service;
  }
}
