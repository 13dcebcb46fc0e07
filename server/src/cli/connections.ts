import { Admin, type Connection, ConnectionSchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { type ConnectionFlags, withConnection } from './connection.js';
import { withGateway } from './gateway-client.js';
import { ageText } from './moment.js';
import { type OutputFlags, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import type { Column } from './table.js';

interface Flags extends ConnectionFlags, OutputFlags, ListFlags {
  readonly node?: string;
}

const COLUMNS: readonly Column<Connection>[] = [
  { title: 'NODE', of: ({ node }) => node, cut: true },
  { title: 'PEER', of: ({ peer }) => peer },
  { title: 'SINCE', of: ({ sinceTimeMs }) => ageText(sinceTimeMs), right: true },
  { title: 'LAST CALL', of: ({ lastCallTimeMs }) => ageText(lastCallTimeMs), right: true },
  { title: 'OPEN', of: ({ openCalls }) => openCalls, right: true },
  { title: 'CALLS', of: ({ calls }) => String(calls), right: true },
  { title: 'CONSUMERS', of: ({ consumers }) => consumers, right: true },
  { title: 'IN FLIGHT', of: ({ inFlight }) => inFlight, right: true },
];

export function connectionsCommand(program: Command): void {
  withList(withConnection(program.command('connections')))
    .description('who is connected to the gateways')
    .option('--node <name>', 'only to this gateway')
    .action(connections);
}

function connections(flags: Flags): Promise<void> {
  const { node = '' } = flags;
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const answer = await gateway.call(Admin.method.listConnections, { node, pageSize, pageToken });
      return { rows: answer.connections, nextPageToken: answer.nextPageToken };
    });
    printList(flags, found, {
      name: 'connections',
      desc: ConnectionSchema,
      columns: COLUMNS,
      none: 'Nobody is connected.',
    });
  });
}
