import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { drop, keep } from '../support/reaper.js';
import type { Stage } from './stage.js';

export interface HolderOptions {
  readonly topic: string;
  readonly channel: string;
  /** How many messages it takes, and holds. */
  readonly count: number;
  readonly leaseSeconds: number;
}

const PROGRAM = fileURLToPath(new URL('holder-process.mjs', import.meta.url));
const PATIENCE_MS = 60_000;

/** A consumer in a process of its own, so that it can be frozen apart from the test. */
export class Holder {
  /** The messages that its handlers have. */
  readonly ids: string[] = [];
  readonly #child: ChildProcess;
  readonly #count: number;
  #answers: string[] | undefined;

  /** Resolves when it holds them all; it is gone when the stage ends. */
  static async start(stage: Stage, url: string, options: HolderOptions): Promise<Holder> {
    const { topic, channel, count, leaseSeconds } = options;
    const child = fork(PROGRAM, [url, topic, channel, String(count), String(leaseSeconds)], { detached: true });
    const { pid = 0 } = child;
    keep({ process: pid });
    stage.atEnd(async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }
      drop({ process: pid });
    });
    const holder = new Holder(child, count);
    await holder.#until(() => holder.ids.length === count);
    return holder;
  }

  private constructor(child: ChildProcess, count: number) {
    this.#child = child;
    this.#count = count;
    child.on('message', (said: { readonly held?: string; readonly answers?: string[] }) => {
      if (said.held !== undefined) this.ids.push(said.held);
      if (said.answers !== undefined) this.#answers = said.answers;
    });
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  /** Wakes it up, and lets it ack all that it held. Answers `ok`, or the name of the error, for each. */
  async wakeAndAck(): Promise<readonly string[]> {
    this.#child.send('ack');
    this.#child.kill('SIGCONT');
    await this.#until(() => this.#answers !== undefined);
    return this.#answers ?? [];
  }

  async #until(condition: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (!condition()) {
      if (this.#child.exitCode !== null) throw new Error('the consumer process ended');
      await once(this.#child, 'message', { signal }).catch((cause) => {
        throw new Error(`the consumer process holds ${this.ids.length} of ${this.#count} messages`, { cause });
      });
    }
  }
}
