import { readFileSync } from 'node:fs';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

const SAMPLE_MS = 250;
/** Connections are asked for once in so many samples. */
const ASK_EVERY = 4;

/** The gateway that is watched. */
export interface Subject {
  /** `host:port`. */
  readonly url: string;
  readonly pid: number;
  /** Nobody but the gateway and the bench has connections to it. */
  readonly databaseUrl: string;
}

/** What the gateway held at one moment, and at most since the moment before. */
export interface Mark {
  readonly name: string;
  readonly atSeconds: number;
  readonly rssMb: number;
  readonly peakMb: number;
  readonly connections: number;
}

/** Samples a gateway's memory, and the database connections that it holds, over a whole run. */
export class Watch {
  readonly marks: Mark[] = [];
  /** The most connections at once. */
  connections = 0;
  readonly #subject: Subject;
  readonly #database: Connection;
  readonly #begun = performance.now();
  readonly #timer: NodeJS.Timeout;
  #samples = 0;
  #peakMb = 0;
  #sinceMark = { peakMb: 0, connections: 0 };

  static async start(subject: Subject): Promise<Watch> {
    const url = new URL(subject.databaseUrl);
    // Without a database of its own, this connection does not count.
    url.pathname = '';
    return new Watch(subject, await createConnection(url.href));
  }

  private constructor(subject: Subject, database: Connection) {
    this.#subject = subject;
    this.#database = database;
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_MS);
  }

  get rssMb(): number {
    return residentMb(this.#subject.pid);
  }

  get peakMb(): number {
    return Math.max(this.#peakMb, this.#sinceMark.peakMb);
  }

  async mark(name: string): Promise<Mark> {
    await this.#ask();
    this.#measure();
    const mark: Mark = {
      name,
      atSeconds: (performance.now() - this.#begun) / 1_000,
      rssMb: this.rssMb,
      ...this.#sinceMark,
    };
    this.marks.push(mark);
    this.#peakMb = this.peakMb;
    this.#sinceMark = { peakMb: 0, connections: 0 };
    return mark;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#database.end();
  }

  async #sample(): Promise<void> {
    this.#measure();
    if (this.#samples++ % ASK_EVERY === 0) await this.#ask().catch(() => undefined);
  }

  #measure(): void {
    this.#sinceMark.peakMb = Math.max(this.#sinceMark.peakMb, this.rssMb);
  }

  async #ask(): Promise<void> {
    const [rows] = await this.#database.query<({ readonly db: string | null } & RowDataPacket)[]>('SHOW PROCESSLIST');
    const name = new URL(this.#subject.databaseUrl).pathname.slice(1);
    const held = rows.filter(({ db }) => db === name).length;
    this.connections = Math.max(this.connections, held);
    this.#sinceMark.connections = Math.max(this.#sinceMark.connections, held);
  }
}

function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1_024;
}
