import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../model/message.js';
import { readIncoming, seal } from '../../model/message-codec.js';
import { openStore, type Store } from './store.js';

/** For tests: a data file in a folder of its own, a clock to set, and messages. */
export class Fixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'waybill-sqlite-'));
  readonly file = join(this.folder, 'data', 'waybill.db');
  readonly clock = {
    time: 1_700_000_000_000,
    now(): number {
      return this.time;
    },
    steady(): number {
      return this.time;
    },
  };
  readonly #open = new Set<Store>();

  open(): Store {
    const store = openStore({ file: this.file, clock: this.clock });
    this.#open.add(store);
    return store;
  }

  async remove(): Promise<void> {
    for (const store of this.#open) await store.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function message(topic: string, id: string, body: Uint8Array = Buffer.from('body'), acceptedAt = 1): Message {
  const raw = Buffer.concat([field(0x12, Buffer.from(topic)), field(0x1a, body)]);
  return seal(readIncoming(raw, 0, raw.length), id, acceptedAt);
}

function field(tag: number, value: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = value.length;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([tag, ...length, rest]), value]);
}

/** Leaves no room in the file for more than a few pages; undone by a larger number. */
export function limitPages(store: Store, pages: number): void {
  store.read('LEDGER_UNAVAILABLE', () => store.prepare(`PRAGMA max_page_count = ${pages}`).all());
}

export function pageCount(store: Store): number {
  const pragma = store.prepare<{ page_count: number }>('PRAGMA page_count');
  return store.read('LEDGER_UNAVAILABLE', () => pragma.get()?.page_count ?? 0);
}
