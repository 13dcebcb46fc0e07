import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};
/** What is compressed already would only grow. */
const COMPRESSED = new Set(['.png', '.woff', '.woff2']);

export interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Undefined where it saves nothing. */
  readonly gzipped: Buffer | undefined;
  readonly etag: string;
}

/**
 * The files of a folder, by their path in it. Only what was found there can be asked for, so no path leads out of it. They are read once,
 * and again when `index.html` is another one: a build shows without a restart.
 */
export class StaticFiles {
  #files: ReadonlyMap<string, Promise<StaticFile>> = new Map();
  #version = '';

  constructor(private readonly folder: string) {}

  /** Undefined when there is none, or no folder. */
  async get(path: string): Promise<StaticFile | undefined> {
    await this.#refresh();
    return this.#files.get(path);
  }

  async #refresh(): Promise<void> {
    const index = await stat(join(this.folder, 'index.html')).catch(() => undefined);
    const version = index === undefined ? '' : `${index.mtimeMs} ${index.size}`;
    if (version === this.#version) return;
    this.#version = version;
    this.#files = version === '' ? new Map() : await filesOf(this.folder);
  }
}

async function filesOf(folder: string): Promise<Map<string, Promise<StaticFile>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  // A link could lead out of the folder.
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [relative(folder, path).split(sep).join('/'), fileAt(path)]));
}

async function fileAt(path: string): Promise<StaticFile> {
  const { size, mtimeMs } = await stat(path);
  const bytes = await readFile(path);
  const extension = extname(path);
  const gzipped = COMPRESSED.has(extension) ? undefined : await compress(bytes);
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    bytes,
    gzipped: gzipped !== undefined && gzipped.length < bytes.length ? gzipped : undefined,
    etag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
  };
}
