import type { ManagedProcess } from '../managed-process.js';
import type { Service } from './service.js';

interface Folder {
  remove(): void;
}

/** A service that runs as a process of this machine, on data in a folder of its own. */
export class LocalService implements Service {
  readonly url: string;
  readonly #server: ManagedProcess;
  readonly #folder: Folder;
  readonly #helpers: readonly ManagedProcess[];

  private constructor(url: string, server: ManagedProcess, folder: Folder, helpers: readonly ManagedProcess[]) {
    this.url = url;
    this.#server = server;
    this.#folder = folder;
    this.#helpers = helpers;
  }

  /** The helpers run already, and end with the service. */
  static async start(
    url: string,
    server: ManagedProcess,
    folder: Folder,
    helpers: readonly ManagedProcess[] = [],
  ): Promise<LocalService> {
    const service = new LocalService(url, server, folder, helpers);
    try {
      await server.start();
    } catch (error) {
      await service.remove();
      throw error;
    }
    return service;
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#server.kill(signal);
  }

  async pause(): Promise<void> {
    this.#server.pause();
  }

  async resume(): Promise<void> {
    this.#server.resume();
  }

  async remove(): Promise<void> {
    await Promise.all([this.#server, ...this.#helpers].map((process) => process.kill('SIGKILL')));
    this.#folder.remove();
  }
}
