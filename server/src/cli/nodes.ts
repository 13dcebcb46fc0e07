import { Admin, type Node, NodeSchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { type ConnectionFlags, withConnection } from './connection.js';
import { withGateway } from './gateway-client.js';
import { ageText } from './moment.js';
import { type OutputFlags, printList } from './output.js';
import { gather, type ListFlags, withList } from './pages.js';
import type { Column } from './table.js';

const COLUMNS: readonly Column<Node>[] = [
  { title: 'NODE', of: ({ name }) => name, cut: true },
  { title: 'VERSION', of: ({ version }) => version },
  { title: 'ENGINE', of: ({ engine }) => engine },
  { title: 'STATE', of: ({ draining }) => (draining ? 'draining' : 'serving') },
  { title: 'UP', of: ({ startTimeMs }) => ageText(startTimeMs), right: true },
  { title: 'SEEN', of: ({ seenTimeMs }) => ageText(seenTimeMs), right: true },
  { title: 'SHARDS', of: ({ shards }) => shards.length, right: true },
  { title: 'CONSUMERS', of: ({ consumers }) => consumers, right: true },
  { title: 'IN FLIGHT', of: ({ inFlight }) => String(inFlight), right: true },
];

export function nodesCommand(program: Command): void {
  withList(withConnection(program.command('nodes')))
    .description('the gateways of the bus')
    .action(nodes);
}

function nodes(flags: ConnectionFlags & OutputFlags & ListFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const found = await gather(flags, async (pageSize, pageToken) => {
      const answer = await gateway.call(Admin.method.listNodes, { pageSize, pageToken });
      return { rows: answer.nodes, nextPageToken: answer.nextPageToken };
    });
    printList(flags, found, { name: 'nodes', desc: NodeSchema, columns: COLUMNS, none: 'No gateway is known.' });
  });
}
