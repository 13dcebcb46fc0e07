import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atTestEnd } from './cleanup.js';
import { ClusterSpace } from './cluster-space.js';
import { ManagedProcess } from './managed-process.js';
import { freePorts } from './ports.js';
import { tempFolder } from './reaper.js';
import type { ServiceUrls } from './services.js';

export type Engine = 'embedded' | 'cluster';
/** Config keys by their exact names; they reach the gateway as environment variables. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

const PROBE_MS = 2_000;
const PROGRAM = fileURLToPath(new URL('../../server/dist/cli/main.js', import.meta.url));

/** A gateway of its own, with nobody beside it. It serves when this resolves, and is gone when the test ends. */
export async function startGateway(engine: Engine, settings: Settings = {}): Promise<Gateway> {
  return (await gatewayGroup(engine)).start(settings);
}

/**
 * Gateways that are one bus: on the cluster engine they share a fresh database and name prefixes of their own. Gateways of
 * the embedded engine share nothing. The group is removed when the test ends; one made in `beforeAll`, by the caller.
 *
 * The services are the shared ones unless a test names its own, to break them.
 */
export async function gatewayGroup(engine: Engine, ownServices?: Partial<ServiceUrls>): Promise<GatewayGroup> {
  const space = engine === 'cluster' ? await ClusterSpace.create(ownServices) : undefined;
  const group = new GatewayGroup(space);
  atTestEnd(async (failed) => {
    if (failed) group.printLogs();
    await group.remove();
  });
  return group;
}

export class GatewayGroup {
  /** Undefined on the embedded engine. */
  readonly space: ClusterSpace | undefined;
  readonly #gateways: Gateway[] = [];

  constructor(space: ClusterSpace | undefined) {
    this.space = space;
  }

  /** One more gateway; it serves when this resolves. */
  async start(settings: Settings = {}): Promise<Gateway> {
    const gateway = await Gateway.create({ ...this.space?.settings, ...settings });
    this.#gateways.push(gateway);
    await gateway.start();
    return gateway;
  }

  printLogs(): void {
    for (const gateway of this.#gateways) {
      console.error(`The gateway on ${gateway.rpcUrl} said:\n${gateway.log().slice(-8_000)}`);
    }
  }

  async remove(): Promise<void> {
    await this.removeGateways();
    await this.space?.remove();
  }

  async removeGateways(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.remove()));
  }
}

/** The real `waybill serve` process, with ports and data that stay over a restart. */
export class Gateway {
  /** `host:port`, as gRPC clients take it. */
  readonly rpcUrl: string;
  readonly httpUrl: string;
  /** The gateway's working folder; a relative `DataFile` lies here. */
  readonly folder: string;
  readonly #process: ManagedProcess;
  readonly #removeFolder: () => void;

  static async create(settings: Settings): Promise<Gateway> {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: npm test builds it, npx vitest does not`);
    const [rpcPort = 0, httpPort = 0] = await freePorts(2);
    return new Gateway(rpcPort, httpPort, settings);
  }

  private constructor(rpcPort: number, httpPort: number, settings: Settings) {
    const folder = tempFolder('gateway');
    this.folder = folder.path;
    this.#removeFolder = folder.remove;
    this.rpcUrl = `127.0.0.1:${rpcPort}`;
    this.httpUrl = `${'TlsCert' in settings ? 'https' : 'http'}://127.0.0.1:${httpPort}`;
    const all: Settings = { Host: '127.0.0.1', RpcPort: rpcPort, HttpPort: httpPort, ...settings };
    this.#process = new ManagedProcess({
      name: 'the gateway',
      file: process.execPath,
      // As `npm start` and the container run it.
      args: ['--max-semi-space-size=16', PROGRAM, 'serve'],
      // Nothing of the developer's own environment but what a program needs to run.
      env: { PATH: process.env.PATH, HOME: folder.path, TMPDIR: process.env.TMPDIR, ...asText(all) },
      cwd: folder.path,
      logFile: join(folder.path, 'gateway.log'),
      probe: () => this.#ready(),
      readyWithinMs: 30_000,
      stopWithinMs: 45_000,
    });
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Everything that it printed, over all its starts. */
  log(): string {
    return this.#process.log();
  }

  /** Starts it again after `stop` or `kill`; resolves when it is ready. */
  start(): Promise<void> {
    return this.#process.start();
  }

  /** SIGTERM: it drains and ends. Throws when it does not end by itself. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends it with a signal and waits until it is gone. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#process.kill(signal);
  }

  /** Freezes it with SIGSTOP: its connections stay open, and nothing answers. */
  pause(): void {
    this.#process.pause();
  }

  resume(): void {
    this.#process.resume();
  }

  /** Ends it at once and removes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    this.#removeFolder();
  }

  async #ready(): Promise<void> {
    const url = `${this.httpUrl}/readyz`;
    const { status, text } = url.startsWith('https:') ? await getUnverified(url) : await getPlain(url);
    if (status !== 200) throw new Error(`/readyz answers ${status}: ${text}`);
  }
}

async function getPlain(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
  return { status: response.status, text: await response.text() };
}

/** Whether it is ready, whatever its certificate: tests of TLS look at that. */
async function getUnverified(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const request = get(url, { rejectUnauthorized: false, agent: false, signal: AbortSignal.timeout(PROBE_MS) });
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('there is no response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text };
}

function asText(settings: Settings): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]));
}
