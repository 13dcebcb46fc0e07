import { Admin, type AuditEntry, AuditEntrySchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { type ConnectionFlags, withConnection } from './connection.js';
import { withGateway } from './gateway-client.js';
import { past, timeText } from './moment.js';
import { type OutputFlags, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import type { Column } from './table.js';

interface AuditFlags extends ConnectionFlags, OutputFlags, ListFlags {
  readonly since?: number;
  readonly until?: number;
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'TIME', of: ({ timeMs }) => timeText(timeMs) },
  { title: 'WHO', of: ({ actor }) => actor, cut: true },
  { title: 'ACTION', of: ({ action }) => action },
  { title: 'TARGET', of: ({ target }) => target, cut: true },
  { title: 'COUNT', of: ({ count }) => String(count), right: true },
  { title: 'NODE', of: ({ node }) => node, cut: true },
];

export function auditCommand(program: Command): void {
  withList(withConnection(program.command('audit')))
    .description('what operators did, the last first')
    .option('--since <time>', 'only at this time or later: 1h (ago) or a date', past)
    .option('--until <time>', 'only before this: 1h (ago) or a date', past)
    .action(audit);
}

function audit(flags: AuditFlags): Promise<void> {
  const times = { afterTimeMs: BigInt(flags.since ?? 0), beforeTimeMs: BigInt(flags.until ?? 0) };
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const { entries, nextPageToken } = await gateway.call(Admin.method.listAudit, { ...times, pageSize, pageToken });
      return { rows: entries, nextPageToken };
    });
    const none = 'No operator did anything.';
    printList(flags, found, { name: 'entries', desc: AuditEntrySchema, columns: COLUMNS, none });
  });
}
