import { randomBytes } from 'node:crypto';
import { clusterSettings, databaseUrl, runSql } from '../support/cluster-settings.js';
import { type Engine, Gateway, type Settings } from '../support/gateway.js';
import { chooseShared, type Source } from '../support/services/choose.js';
import { ensureDebianPackages } from '../support/services/debian.js';
import { thisMachine } from '../support/services/machine.js';
import type { Service, ServiceName, ServiceUrls } from '../support/services/service.js';
import { startFrom } from '../support/services/start.js';

const H2LOAD = 'nghttp2-client';

/** The services, and gateways on them. They come from where the tests get theirs: see choose.ts there. */
export class Lab {
  readonly urls: ServiceUrls;
  readonly #started: readonly Service[];

  static async open(needs: { readonly h2load: boolean }): Promise<Lab> {
    const choices = await chooseShared(thisMachine);
    const packages = choices.flatMap(({ source }) => (source.kind === 'install' ? source.packages : []));
    const tools = needs.h2load && !thisMachine.find('h2load') ? [H2LOAD] : [];
    await ensureDebianPackages([...packages, ...tools]);
    const started: Service[] = [];
    const urls: Record<ServiceName, string> = { rabbitmq: '', mysql: '', redis: '' };
    const starting = choices.map(async ({ name, source }) => {
      urls[name] = await serve(name, source, started);
    });
    const outcomes = await Promise.allSettled(starting);
    const lab = new Lab(urls, started);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      await lab.close();
      throw outcome.reason;
    }
    return lab;
  }

  private constructor(urls: ServiceUrls, started: readonly Service[]) {
    this.urls = urls;
    this.#started = started;
  }

  /** A gateway with nothing but what this one comparison does: on the cluster engine, a database and prefixes of its own. */
  async gateway(engine: Engine, settings: Settings): Promise<LabGateway> {
    const name = `bench-${randomBytes(5).toString('hex')}`;
    if (engine === 'embedded') return LabGateway.start(name, settings, '', async () => {});
    const database = name.replace('-', '_');
    const { mysql } = this.urls;
    await runSql(mysql, `CREATE DATABASE ${database}`);
    const all = { ...clusterSettings(this.urls, name, database), ...settings };
    return LabGateway.start(name, all, databaseUrl(this.urls, database), () =>
      runSql(mysql, `DROP DATABASE ${database}`),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((service) => service.remove()));
  }
}

export class LabGateway {
  /** Its prefix in the broker and in Redis. */
  readonly name: string;
  /** Empty on the embedded engine. */
  readonly databaseUrl: string;
  readonly #gateway: Gateway;
  readonly #cleanUp: () => Promise<void>;

  static async start(
    name: string,
    settings: Settings,
    database: string,
    cleanUp: () => Promise<void>,
  ): Promise<LabGateway> {
    const gateway = await Gateway.create(settings);
    const started = new LabGateway(name, gateway, database, cleanUp);
    try {
      await gateway.start();
    } catch (error) {
      await started.remove();
      throw error;
    }
    return started;
  }

  private constructor(name: string, gateway: Gateway, database: string, cleanUp: () => Promise<void>) {
    this.name = name;
    this.databaseUrl = database;
    this.#gateway = gateway;
    this.#cleanUp = cleanUp;
  }

  get url(): string {
    return this.#gateway.rpcUrl;
  }

  get pid(): number | undefined {
    return this.#gateway.pid;
  }

  log(): string {
    return this.#gateway.log();
  }

  async remove(): Promise<void> {
    await this.#gateway.remove();
    await this.#cleanUp();
  }
}

async function serve(name: ServiceName, source: Source, started: Service[]): Promise<string> {
  if (source.kind === 'url') return source.url;
  const service = await startFrom(name, source);
  started.push(service);
  return service.url;
}
