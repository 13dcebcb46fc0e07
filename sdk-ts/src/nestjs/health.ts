import type { Bus } from '../bus.js';
import type { Duration } from '../duration.js';

/** One part of a health check, in the shape that `@nestjs/terminus` takes. */
export type WaybillHealth = Record<string, { status: 'up' } | { status: 'down'; message: string }>;

/**
 * Tells whether the bus is in reach and serving.
 *
 * @example
 * @Get('health')
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.waybill.isHealthy('waybill')]);
 * }
 */
export class WaybillHealthIndicator {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** `timeout`: how long the answer may take. Default: 2 s. Never rejects. */
  async isHealthy(key: string, options: { timeout?: Duration } = {}): Promise<WaybillHealth> {
    return { [key]: await this.#state(options.timeout ?? 2_000) };
  }

  async #state(deadline: Duration): Promise<WaybillHealth[string]> {
    try {
      await this.#bus.ping({ deadline });
      return { status: 'up' };
    } catch (error) {
      return { status: 'down', message: error instanceof Error ? error.message : String(error) };
    }
  }
}
