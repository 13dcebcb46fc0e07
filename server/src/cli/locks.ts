import { Admin, type HeldLock, HeldLockSchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { confirmed } from './ask.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { withGateway } from './gateway-client.js';
import { ageText, timeText } from './moment.js';
import { type OutputFlags, printJson, printLine, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import type { Column } from './table.js';

type Flags = ConnectionFlags & OutputFlags;

interface LockListFlags extends Flags, ListFlags {
  readonly prefix?: string;
}

const COLUMNS: readonly Column<HeldLock>[] = [
  { title: 'LOCK', of: ({ name }) => name, cut: true },
  { title: 'HOLDER', of: ({ holder }) => holder || '-', cut: true },
  { title: 'HELD', of: ({ sinceTimeMs }) => ageText(sinceTimeMs), right: true },
  { title: 'UNTIL', of: ({ expireTimeMs }) => timeText(expireTimeMs) },
  { title: 'TOKEN', of: ({ tokenHash }) => tokenHash },
  { title: 'NODE', of: ({ node }) => node || '-', cut: true },
];

export function locksCommand(program: Command): void {
  const group = program.command('locks').description('locks that clients hold');
  withList(withConnection(group.command('list', { isDefault: true })))
    .description('by name, with who holds each and until when')
    .option('--prefix <text>', 'only names that begin with this')
    .action(list);
  withConnection(group.command('release'))
    .description('end a lock, whoever holds it')
    .argument('<name>')
    .option('-y, --yes', 'does not ask')
    .option('--json', 'answers as JSON')
    .action(release);
}

function list(flags: LockListFlags): Promise<void> {
  const { prefix = '' } = flags;
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const { locks, nextPageToken } = await gateway.call(Admin.method.listLocks, { prefix, pageSize, pageToken });
      return { rows: locks, nextPageToken };
    });
    printList(flags, found, { name: 'locks', desc: HeldLockSchema, columns: COLUMNS, none: 'No lock is held.' });
  });
}

function release(name: string, flags: Flags & { readonly yes?: boolean }): Promise<void> {
  return withGateway(flags, async (gateway) => {
    await confirmed(`end the lock ${name}, whose holder goes on until it renews`, flags.yes);
    await gateway.call(Admin.method.releaseLock, { name });
    if (flags.json === true) printJson({ name, released: true });
    else printLine(`released ${name}`);
  });
}
