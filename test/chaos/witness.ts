import { readFileSync } from 'node:fs';
import type { Gateway } from '../support/gateway.js';
import { until } from '../support/until.js';
import type { Stage } from './stage.js';

/** What a gateway may take, whatever is away. It is 150 to 280 MB where V8 has the time to collect, and up to 400 MB where it has not. */
const MOST_BYTES = 450 * 1024 * 1024;
const LOOK_MS = 100;

interface Readiness {
  readonly ready: boolean;
  /** By service: `ok`, or what is wrong with it. */
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Looks at a gateway from outside for as long as the scenario goes on: its process, its memory, and what it says of itself. */
export class Witness {
  readonly #gateway: Gateway;
  readonly #pid: number | undefined;
  #most = 0;

  static of(stage: Stage, gateway: Gateway): Witness {
    const witness = new Witness(gateway);
    const looking = setInterval(() => witness.#look(), LOOK_MS);
    stage.atEnd(async () => clearInterval(looking));
    return witness;
  }

  private constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#pid = gateway.pid;
    this.#look();
  }

  /** Throws when it is not the process that it was, or took more memory than it may. */
  check(mostBytes = MOST_BYTES): void {
    if (this.#gateway.pid !== this.#pid) throw new Error('the gateway ended, and nobody had asked for it');
    if (this.#most > mostBytes) throw new Error(`the gateway took ${megabytes(this.#most)} of ${megabytes(mostBytes)}`);
  }

  /** Waits until `/readyz` says what holds: that these services are away, and all others are there. */
  async says(away: readonly string[], limitMs = 20_000): Promise<void> {
    await until(async () => {
      const { ready, dependencies } = await readiness(this.#gateway);
      const said = Object.keys(dependencies).filter((name) => dependencies[name] !== 'ok');
      const right = ready === (away.length === 0) && said.sort().join() === [...away].sort().join();
      if (!right) throw new Error(`away is "${away}", and /readyz says ${JSON.stringify(dependencies)}`);
    }, limitMs);
  }

  #look(): void {
    const { pid } = this.#gateway;
    if (pid === undefined) return;
    this.#most = Math.max(this.#most, residentBytes(pid));
  }
}

async function readiness({ httpUrl }: Gateway): Promise<Readiness> {
  const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
  const said: Readiness = JSON.parse(await response.text());
  if (said.ready !== (response.status === 200)) throw new Error(`/readyz answers ${response.status} and ${said.ready}`);
  return said;
}

/** 0 when the process ended a moment ago. */
function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}
