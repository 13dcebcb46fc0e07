import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { ensureDebianPackages } from '../support/services/debian.js';
import type { Stage } from './stage.js';

const LIBRARIES = '/usr/lib';
/** What was handed out in the moment of a jump was judged by the clock before it. */
const MOMENT_MS = 500;

/**
 * A wall clock for gateways that this process can set, by libfaketime. The clock that only goes forward stays as it is, as it does
 * when an operator or a time server sets the time.
 */
export class WallClock {
  readonly #file: string;
  readonly #library: string;
  /** What was added to the machine's time, and since when, in milliseconds; the last one counts. */
  readonly #offsets: { readonly since: number; readonly offsetMs: number }[] = [];

  static async create(stage: Stage, offsetMs = 0): Promise<WallClock> {
    await ensureDebianPackages(['libfaketime']);
    const { path, remove } = tempFolder('clock');
    stage.atEnd(async () => remove());
    return new WallClock(join(path, 'offset'), findLibrary(), offsetMs);
  }

  private constructor(file: string, library: string, offsetMs: number) {
    this.#file = file;
    this.#library = library;
    this.set(offsetMs);
  }

  /** What a gateway's environment needs. */
  get settings(): Settings {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: 1,
      FAKETIME_DONT_FAKE_MONOTONIC: 1,
      NO_FAKE_STAT: 1,
    };
  }

  /** Sets the clock to so much before or after the machine's. */
  set(offsetMs: number): void {
    const next = `${this.#file}.next`;
    const seconds = (offsetMs / 1_000).toFixed(3);
    writeFileSync(next, `${offsetMs < 0 ? '' : '+'}${seconds}\n`);
    // At one instant: the gateway reads the file whenever it asks for the time.
    renameSync(next, this.#file);
    this.#offsets.push({ since: Date.now(), offsetMs });
  }

  /** What it shows, in Unix milliseconds. */
  now(): number {
    return Date.now() + (this.#offsets.at(-1)?.offsetMs ?? 0);
  }

  /** The latest that it can have shown in the moment before this time of the machine's. */
  latest(at: number): number {
    const { length } = this.#offsets;
    const inForce = this.#offsets.filter((_, i) => {
      const until = i + 1 < length ? (this.#offsets[i + 1]?.since ?? 0) : Number.POSITIVE_INFINITY;
      return until >= at - MOMENT_MS;
    });
    return at + Math.max(...inForce.map(({ offsetMs }) => offsetMs));
  }
}

function findLibrary(): string {
  for (const machine of readdirSync(LIBRARIES)) {
    const path = join(LIBRARIES, machine, 'faketime', 'libfaketimeMT.so.1');
    if (existsSync(path)) return path;
  }
  throw new Error('the package libfaketime is installed, and its library is not there');
}
