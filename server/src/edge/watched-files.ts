import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { StartError } from '../model/errors.js';
import type { Logger } from '../ports/logger.js';
import type { Service } from '../ports/service.js';

/** Files that are read together, and again when one of them changes. */
export interface Watched {
  /** The config key of each. */
  readonly files: readonly { readonly key: string; readonly path: string }[];
  /** Throws, with words for whoever wrote them and nothing that is secret, when they cannot be used; what was there before stays. */
  take(contents: readonly Buffer[]): void;
}

/** How often files are looked at. Their contents are compared: mounted secrets change by a link, of which no event tells. */
const LOOK_MS = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** Reads files that hold certificates, keys and tokens; a new one that is wrong leaves the old one in use, and is told of in the log. */
export class WatchedFiles implements Service {
  readonly #seen = new Map<Watched, readonly Buffer[]>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(
    private readonly watched: readonly Watched[],
    private readonly logger: Logger,
  ) {}

  /** Rejects when one cannot be read or used. */
  async start(): Promise<void> {
    for (const one of this.watched) {
      const contents = one.files.map(({ key, path }) => {
        try {
          return readFileSync(path);
        } catch (error) {
          throw new StartError(`${key} cannot be read: ${wordsOf(error)}`);
        }
      });
      try {
        one.take(contents);
      } catch (error) {
        throw new StartError(`${keysOf(one)} cannot be used: ${wordsOf(error)}`);
      }
      this.#seen.set(one, contents);
    }
    if (this.watched.length > 0) this.#timer ??= setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    for (const one of this.watched) await this.#lookAt(one);
    this.#looking = false;
  }

  async #lookAt(one: Watched): Promise<void> {
    const keys = keysOf(one);
    try {
      const contents = await Promise.all(one.files.map(({ path }) => readFile(path)));
      const before = this.#seen.get(one);
      if (contents.every((bytes, i) => before?.[i]?.equals(bytes) === true)) return;
      // A wrong one is told of once, not every second.
      this.#seen.set(one, contents);
      if (contents.some(({ length }) => length > MAX_BYTES)) throw new Error(`has more than ${MAX_BYTES} bytes`);
      one.take(contents);
      this.logger.info({ keys }, 'files that changed are in use');
    } catch (error) {
      this.logger.error(
        { keys, reason: wordsOf(error) },
        'files that changed cannot be used: the ones before stay in use',
      );
    }
  }
}

function keysOf({ files }: Watched): string {
  return files.map(({ key }) => key).join(', ');
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
