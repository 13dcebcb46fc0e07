import type { RabbitService, Service, ServiceName } from '../support/services/service.js';
import { startOwn } from '../support/services/start.js';

export interface OwnServices {
  readonly rabbitmq: RabbitService;
  readonly mysql: Service;
  readonly redis: Service;
}

/** Services that scenarios broke, one after the other, and left as they had found them: a start takes seconds. */
export class Spares {
  readonly #free: { readonly [N in ServiceName]: OwnServices[N][] } = { rabbitmq: [], mysql: [], redis: [] };

  async take<N extends ServiceName>(name: N): Promise<OwnServices[N]> {
    return this.#free[name].pop() ?? (await startOwn(name));
  }

  give<N extends ServiceName>(name: N, service: OwnServices[N]): void {
    this.#free[name].push(service);
  }

  async remove(): Promise<void> {
    const { rabbitmq, mysql, redis } = this.#free;
    await Promise.all([...rabbitmq.splice(0), ...mysql.splice(0), ...redis.splice(0)].map((free) => free.remove()));
  }
}
