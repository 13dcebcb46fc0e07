import { getRouteApi } from '@tanstack/react-router';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { count } from '../../text/number.js';
import { msOf } from '../../text/time.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Time } from '../../ui/time.js';

const route = getRouteApi('/audit');

export function Audit() {
  const filters = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['audit', filters], async (pageToken, signal) => {
    const times = { afterTimeMs: BigInt(msOf(filters.after)), beforeTimeMs: BigInt(msOf(filters.before)) };
    const page = await admin.listAudit({ ...times, pageToken }, { signal });
    return { rows: page.entries, next: page.nextPageToken };
  });
  return (
    <Page title="Audit log" about="What operators did, by this page, the command line or the API, the last first.">
      <div className="card">
        <Filters
          label="Audit log"
          fields={[
            { name: 'after', label: 'Not before', kind: 'time' },
            { name: 'before', label: 'Before', kind: 'time' },
          ]}
          values={filters}
          onApply={(search) => void navigate({ search })}
        />
        <Listing
          what="the audit log"
          pages={pages}
          empty={
            <Empty title="Nothing on record">
              <p>Whatever an operator changes is written down here.</p>
            </Empty>
          }
        >
          {(rows) => (
            <Table
              label="Audit log"
              rows={rows.map((entry, at) => ({ ...entry, at }))}
              keyOf={({ timeMs, at }) => `${timeMs} ${rows.length - at}`}
              columns={[
                { title: 'When', cell: ({ timeMs }) => <Time ms={timeMs} /> },
                { title: 'Action', cell: ({ action }) => action },
                { title: 'What', name: true, cell: ({ target }) => <span className="mono">{target}</span> },
                { title: 'Count', numeric: true, wide: true, cell: ({ count: hit }) => count(hit) },
                { title: 'Who', cell: ({ actor }) => <span className="mono">{actor}</span> },
                { title: 'Gateway', wide: true, cell: ({ node }) => <span className="mono">{node}</span> },
              ]}
            />
          )}
        </Listing>
      </div>
    </Page>
  );
}
