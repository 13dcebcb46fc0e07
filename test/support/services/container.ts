import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../ports.js';
import { drop, keep } from '../reaper.js';
import { until } from '../until.js';
import { probes } from './probe.js';
import type { RabbitService, ServiceName } from './service.js';

const run = promisify(execFile);
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const FILES = ['-f', path('../../../deploy/compose.yaml'), '-f', path('./compose.test.yaml')];
/** The first start may have to fetch the image. */
const START_WITHIN_MS = 300_000;

/** A service of deploy/compose.yaml in a compose project of its own, with a port that stays over a restart. */
export class ContainerService implements RabbitService {
  readonly url: string;
  readonly pid = undefined;
  readonly #name: ServiceName;
  readonly #port: number;
  readonly #project = `waybill-test-${randomBytes(6).toString('hex')}`;

  private constructor(name: ServiceName, port: number) {
    this.#name = name;
    this.#port = port;
    this.url = {
      rabbitmq: `amqp://waybill:waybill@127.0.0.1:${port}`,
      mysql: `mysql://root:waybill@127.0.0.1:${port}`,
      redis: `redis://127.0.0.1:${port}`,
    }[name];
  }

  static async start(name: ServiceName): Promise<ContainerService> {
    const service = new ContainerService(name, await freePort());
    keep(service.#removal);
    try {
      await service.start();
    } catch (error) {
      await service.remove();
      throw error;
    }
    return service;
  }

  async start(): Promise<void> {
    await this.#compose('up', '--detach', '--no-deps', this.#name);
    await until(() => probes[this.#name](this.url), START_WITHIN_MS);
  }

  async stop(): Promise<void> {
    await this.#compose('stop', this.#name);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#compose('kill', '--signal', signal, this.#name);
    await this.#compose('wait', this.#name).catch(() => {}); // It fails when the container is down already.
  }

  async pause(): Promise<void> {
    await this.#compose('pause', this.#name);
  }

  async resume(): Promise<void> {
    await this.#compose('unpause', this.#name);
  }

  async remove(): Promise<void> {
    await this.#compose('down', '--volumes', '--timeout', '0');
    drop(this.#removal);
  }

  ctl(...args: readonly string[]): Promise<string> {
    return this.#compose('exec', '-T', this.#name, 'rabbitmqctl', ...args);
  }

  /** Needs neither files nor variables, so it works when this process is gone. */
  get #removal() {
    return { command: ['docker', 'compose', '-p', this.#project, 'down', '--volumes', '--timeout', '0'] };
  }

  async #compose(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, WAYBILL_TEST_PORT: `${this.#port}` };
    const all = ['compose', '-p', this.#project, ...FILES, ...args];
    return (await run('docker', all, { env, timeout: START_WITHIN_MS })).stdout;
  }
}
