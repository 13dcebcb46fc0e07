import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figures, LoadReport, LoadSettings, RoundRequest } from './loads/serve-rounds.js';

const PROGRAM = fileURLToPath(new URL('load-process.mjs', import.meta.url));

/** What a round, or getting ready for one, may take. Only something that hangs takes so long. */
const PATIENCE_MS = 120_000;

/** A load generator in a process of its own. It stays for all rounds, so that only the warm-up meets cold code. */
export class Load {
  readonly #name: string;
  readonly #child: ChildProcess;

  /** `name` is a file of `loads/`. */
  static async start(name: string, settings: LoadSettings): Promise<Load> {
    const file = fileURLToPath(new URL(`loads/${name}.ts`, import.meta.url));
    const load = new Load(name, fork(PROGRAM, [file, JSON.stringify(settings)], { execArgv: [] }));
    try {
      await load.#report();
    } catch (error) {
      load.stop();
      throw error;
    }
    return load;
  }

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
  }

  async round(messages: number): Promise<Figures> {
    const report = this.#report();
    const request: RoundRequest = { messages };
    this.#child.send(request);
    const answer = await report;
    if (answer.kind !== 'done') throw new Error(`${this.#name} answered ${answer.kind}`);
    return answer.figures;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  /** The next thing that it says; throws when that is a failure, or when it ends or stays silent instead. */
  #report(): Promise<LoadReport> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined, report?: LoadReport) => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        if (report) resolve(report);
        else reject(error);
      };
      const onMessage = (report: LoadReport) => {
        if (report.kind === 'failed') settle(new Error(`${this.#name}: ${report.why}`));
        else settle(undefined, report);
      };
      const onExit = () => settle(new Error(`${this.#name} ended in the middle of its work`));
      const timer = setTimeout(() => settle(new Error(`${this.#name} hangs`)), PATIENCE_MS);
      this.#child.on('message', onMessage);
      this.#child.on('exit', onExit);
    });
  }
}
