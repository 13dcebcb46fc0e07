import type { AuditEntry, AuditFilter, AuditLog } from '../../ports/audit-log.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Page, PageAsk } from '../../ports/page.js';

interface Parts {
  readonly auditLog: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This gateway's name. */
  readonly node: string;
}

/** Notes what operators did: in the gateway's log, whatever happens, and in the ledger's. */
export class Audit {
  constructor(private readonly parts: Parts) {}

  /** Never throws: what was done is done, and its caller must learn of it. */
  async note(actor: string, action: string, target: string, count: number): Promise<void> {
    const { auditLog, clock, logger, node } = this.parts;
    const entry: AuditEntry = { at: clock.now(), actor, action, target, count, node };
    logger.info({ audit: entry }, 'an operator changed something');
    try {
      await auditLog.append(entry);
    } catch (error) {
      logger.error({ error, audit: entry }, 'the audit log could not be written');
    }
  }

  list(filter: AuditFilter, ask: PageAsk): Promise<Page<AuditEntry>> {
    return this.parts.auditLog.list(filter, ask);
  }
}
