import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { drop, keep } from './reaper.js';
import { until } from './until.js';

export interface ProcessSpec {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Gets what the process prints, over all its starts. */
  readonly logFile: string;
  /** Throws until the process serves. */
  readonly probe: () => Promise<void>;
  readonly readyWithinMs: number;
  readonly stopWithinMs: number;
}

/** A real process that a test starts, ends, freezes and starts again, always with the same arguments, ports and data. */
export class ManagedProcess {
  readonly #spec: ProcessSpec;
  #child: ChildProcess | undefined;

  constructor(spec: ProcessSpec) {
    this.#spec = spec;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  log(): string {
    return existsSync(this.#spec.logFile) ? readFileSync(this.#spec.logFile, 'utf8') : '';
  }

  /** Resolves when it serves; throws with the end of its log when it ended or did not serve in time. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.#spec.name} runs already`);
    const ended = new AbortController();
    const child = this.#spawn(ended);
    try {
      await until(this.#spec.probe, this.#spec.readyWithinMs, ended.signal);
    } catch (cause) {
      const end = ended.signal.aborted
        ? `ended with ${child.signalCode ?? child.exitCode}`
        : `does not serve: ${cause}`;
      await this.kill('SIGKILL');
      throw new Error(`${this.#spec.name} ${end}; its log ends with:\n${this.log().slice(-4_000)}`);
    }
  }

  #spawn(ended: AbortController): ChildProcess {
    const { file, args, env, cwd, logFile } = this.#spec;
    const log = openSync(logFile, 'a');
    // A process group of its own: signals reach its helpers too, and a Ctrl-C in the terminal reaches none of them.
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) keep({ process: pid });
    const onEnd = () => {
      if (pid !== undefined) drop({ process: pid });
      if (this.#child === child) this.#child = undefined;
      ended.abort();
    };
    child.once('exit', onEnd);
    child.once('error', onEnd);
    return child;
  }

  /** Asks it to end and waits. One that does not end by itself in time is killed, and this throws. Safe when it does not run. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exit = once(child, 'exit');
    this.resume();
    this.signal('SIGTERM');
    const { name, stopWithinMs } = this.#spec;
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      this.signal('SIGKILL');
    }, stopWithinMs);
    await exit;
    clearTimeout(timer);
    if (!inTime) throw new Error(`${name} did not end within ${stopWithinMs} ms of SIGTERM, and was killed`);
  }

  /** Sends a signal that ends it, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exit = once(child, 'exit');
    this.signal(signal);
    await exit;
  }

  /** Freezes it: it keeps its connections and answers nothing. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Sends a signal to the whole process group. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // Ended a moment ago: the exit event is on its way.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}
