import { getRouteApi } from '@tanstack/react-router';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { count } from '../../text/number.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';

const route = getRouteApi('/connections');

export function Connections() {
  const { node = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['connections', node], async (pageToken, signal) => {
    const page = await admin.listConnections({ node, pageToken }, { signal });
    return { rows: page.connections, next: page.nextPageToken };
  });
  return (
    <Page title="Connections" about="Who is connected to the gateways, as far as their calls tell.">
      <div className="card">
        <Filters
          label="Connections"
          fields={[{ name: 'node', label: 'Gateway' }]}
          values={{ node }}
          onApply={(search) => void navigate({ search })}
        />
        <Listing
          what="connections"
          pages={pages}
          empty={
            <Empty title="Nobody is connected">
              <p>Clients show here with their first call.</p>
            </Empty>
          }
        >
          {(rows) => (
            <Table
              label="Connections"
              rows={rows}
              keyOf={({ node: name, peer, sinceTimeMs }) => `${name} ${peer} ${sinceTimeMs}`}
              columns={[
                { title: 'Peer', name: true, cell: ({ peer }) => <span className="mono">{peer}</span> },
                { title: 'Gateway', wide: true, cell: ({ node: name }) => <span className="mono">{name}</span> },
                { title: 'Since', cell: ({ sinceTimeMs }) => <Ago ms={sinceTimeMs} /> },
                { title: 'Last call', wide: true, cell: ({ lastCallTimeMs }) => <Ago ms={lastCallTimeMs} /> },
                { title: 'Open calls', numeric: true, cell: ({ openCalls }) => count(openCalls) },
                { title: 'Calls', numeric: true, wide: true, cell: ({ calls }) => count(calls) },
                { title: 'Consumers', numeric: true, wide: true, cell: ({ consumers }) => count(consumers) },
                { title: 'Holds', numeric: true, cell: ({ inFlight }) => count(inFlight) },
              ]}
            />
          )}
        </Listing>
      </div>
    </Page>
  );
}
