import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from './until.js';

const SAY_MS = 20_000;

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A Node program in the checkout, as a person at a terminal starts it. It is gone when the test ends. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [...args], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = once(this.#child, 'close');
    onTestFinished(async () => {
      if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
      await this.#ended;
    });
  }

  /** What it reads as standard input, and that there is no more. */
  type(text: string): this {
    this.#child.stdin.end(text);
    return this;
  }

  /** Resolves when it has said this. */
  async says(text: string): Promise<void> {
    await until(async () => {
      if (!`${this.stdout}${this.stderr}`.includes(text))
        throw new Error(`"${text}" was not said, but:\n${this.stdout}${this.stderr}`);
    }, SAY_MS);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit code. */
  async exit(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }
}
