import { getRouteApi, Link } from '@tanstack/react-router';
import type { CronEntry } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';
import { CronActions } from './cron-actions.js';
import { CronDialog } from './cron-dialog.js';

const route = getRouteApi('/cron');

export function Cron() {
  const { topic = '', prefix = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const [editing, setEditing] = useState<CronEntry | 'new'>();
  const pages = usePages(['cron', topic, prefix], async (pageToken, signal) => {
    const page = await admin.listCronEntries({ topic, prefix, pageToken }, { signal });
    return { rows: page.entries, next: page.nextPageToken };
  });
  return (
    <Page
      title="Cron entries"
      crumb={<Link to="/schedule">Schedule</Link>}
      about="Messages that are published by the clock: each tick exactly once, and never early."
      actions={
        <Button kind="primary" onPress={() => setEditing('new')}>
          Create an entry…
        </Button>
      }
    >
      <div className="card">
        <Filters
          label="Cron entries"
          fields={[
            { name: 'prefix', label: 'Names that begin with' },
            { name: 'topic', label: 'Topic' },
          ]}
          values={{ prefix, topic }}
          onApply={(search) => void navigate({ search })}
        />
        <Listing
          what="cron entries"
          pages={pages}
          empty={
            <Empty title="No cron entries">
              <p>
                Create one, and its message is published by the clock: every minute, each Monday, on the last of a
                month.
              </p>
            </Empty>
          }
        >
          {(rows) => (
            <Table
              label="Cron entries"
              rows={rows}
              keyOf={({ name }) => name}
              columns={[
                {
                  title: 'Entry',
                  name: true,
                  cell: (entry) => (
                    <>
                      <Button kind="link" size="small" label={`Edit ${entry.name}`} onPress={() => setEditing(entry)}>
                        <span className="mono">{entry.name}</span>
                      </Button>{' '}
                      {entry.paused ? <Badge tone="warn">Paused</Badge> : null}
                    </>
                  ),
                },
                {
                  title: 'When',
                  cell: ({ expression, timeZone }) => (
                    <>
                      <span className="mono">{expression}</span>
                      <div className="sub">{timeZone || 'UTC'}</div>
                    </>
                  ),
                },
                {
                  title: 'Topic',
                  wide: true,
                  cell: ({ topic: name }) => (
                    <Link to="/topics/$topic" params={{ topic: name }} className="mono">
                      {name}
                    </Link>
                  ),
                },
                { title: 'Next', cell: ({ nextTimeMs }) => <Ago ms={nextTimeMs} none="None" /> },
                {
                  title: 'Last',
                  wide: true,
                  cell: ({ topic: name, lastTimeMs, lastMessageId }) =>
                    lastMessageId === '' ? (
                      <span className="muted">None yet</span>
                    ) : (
                      <Link to="/messages/$topic/$id" params={{ topic: name, id: lastMessageId }}>
                        <Ago ms={lastTimeMs} />
                      </Link>
                    ),
                },
                {
                  title: 'Actions',
                  silent: true,
                  numeric: true,
                  cell: (entry) => <CronActions entry={entry} onEdit={() => setEditing(entry)} />,
                },
              ]}
            />
          )}
        </Listing>
      </div>
      {editing === undefined ? null : (
        <CronDialog {...(editing === 'new' ? {} : { entry: editing })} onClose={() => setEditing(undefined)} />
      )}
    </Page>
  );
}
