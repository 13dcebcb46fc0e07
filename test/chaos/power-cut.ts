import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../support/gateway.js';
import { drop, keep, tempFolder } from '../support/reaper.js';
import { ensureDebianPackages } from '../support/services/debian.js';
import { until } from '../support/until.js';
import { dataFiles, written } from './data-file.js';
import type { Stage } from './stage.js';
import { type Unsynced, unsyncedIn } from './unsynced.js';

/** What one sector holds; a write that the power cuts may leave any of its sectors behind. */
const SECTOR = 512;
/** For answers that were on their way: they were sent, so they count. */
const ON_THE_WAY_MS = 100;
const CALLS = 'pwrite64,fsync,fdatasync';

/**
 * Takes the power from an embedded gateway. A process that is killed leaves all that it wrote with the system; a machine that
 * loses its power leaves what was synced, and of the rest some sectors. So strace writes down what the gateway writes and syncs;
 * its files are copied at an instant, and each sector of the copy that no sync had reached is kept or lost by chance.
 */
export class PowerCut {
  readonly #gateway: Gateway;
  readonly #pid: number;
  readonly #strace: ChildProcess;
  readonly #trace: string;

  /** Watches the gateway from now on. */
  static async watch(stage: Stage, gateway: Gateway): Promise<PowerCut> {
    await ensureDebianPackages(['strace']);
    const { path, remove } = tempFolder('trace');
    stage.atEnd(async () => remove());
    const { pid = 0 } = gateway;
    const trace = `${path}/trace`;
    const args = ['-f', '-y', '-s', '0', '-e', `trace=${CALLS}`, '-o', trace, '-p', String(pid)];
    const strace = spawn('strace', args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    const { pid: tracer = 0 } = strace;
    keep({ process: tracer });
    stage.atEnd(async () => {
      if (strace.exitCode === null && strace.signalCode === null) {
        const exit = once(strace, 'exit');
        strace.kill('SIGKILL');
        await exit;
      }
      drop({ process: tracer });
    });
    let said = '';
    strace.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until(async () => {
      if (!said.includes('attached')) throw new Error(`strace did not attach: ${said}`);
    }, 10_000);
    return new PowerCut(gateway, pid, strace, trace);
  }

  private constructor(gateway: Gateway, pid: number, strace: ChildProcess, trace: string) {
    this.#gateway = gateway;
    this.#pid = pid;
    this.#strace = strace;
    this.#trace = trace;
  }

  /** In the middle of a commit. The gateway is gone then, and finds its files as the disk had them. Answers how many sectors were lost. */
  async cut(): Promise<number> {
    const gateway = this.#gateway;
    const { file, log } = dataFiles(gateway);
    await written(gateway);
    gateway.pause();
    await until(async () => {
      if (!isStopped(this.#pid)) throw new Error('the gateway does not stop');
    }, 5_000);
    await delay(ON_THE_WAY_MS);
    const copies = [file, log].filter(existsSync).map((path) => ({ path, copy: `${path}.cut` }));
    for (const { path, copy } of copies) copyFileSync(path, copy);
    const gone = once(this.#strace, 'exit');
    await gateway.kill();
    await gone;
    const unsynced = unsyncedIn(readFileSync(this.#trace, 'utf8'));
    let lost = 0;
    for (const { path, copy } of copies) {
      lost += lose(copy, unsynced.get(path) ?? []);
      copyFileSync(copy, path);
      rmSync(copy);
    }
    return lost;
  }
}

function isStopped(pid: number): boolean {
  // The state stands behind the name, which is in brackets.
  return /^[Tt]$/.test(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .slice(0, 1),
  );
}

/** Answers how many sectors were lost. */
function lose(path: string, unsynced: readonly Unsynced[]): number {
  const file = openSync(path, 'r+');
  const nothing = Buffer.alloc(SECTOR);
  let lost = 0;
  try {
    for (const { at, length } of unsynced) {
      for (let sector = at; sector < at + length; sector += SECTOR) {
        if (Math.random() < 0.5) continue;
        writeSync(file, nothing, 0, Math.min(SECTOR, at + length - sector), sector);
        lost++;
      }
    }
  } finally {
    closeSync(file);
  }
  return lost;
}
