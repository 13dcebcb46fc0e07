import type { Page, PageAsk } from './page.js';

/** What operators did. Failure contract: as the Inspector's; an entry that was appended is durable. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(filter: AuditFilter, ask: PageAsk): Promise<Page<AuditEntry>>;
  /** Removes up to `limit` entries from before `before`, the oldest first; answers how many. */
  prune(before: number, limit: number): Promise<number>;
}

export interface AuditEntry {
  /** Unix milliseconds. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly count: number;
  /** The gateway. */
  readonly node: string;
}

export interface AuditFilter {
  /** Unix milliseconds: at least; 0: no limit. */
  readonly after: number;
  /** Less than; 0: no limit. */
  readonly before: number;
}
