import { getRouteApi, Link } from '@tanstack/react-router';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { bytes } from '../../text/number.js';
import { msOf } from '../../text/time.js';
import { State } from '../../ui/badge.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';
import { ScheduledActions } from './scheduled-actions.js';

const route = getRouteApi('/schedule');

export function Schedule() {
  const filters = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(['scheduled', filters], async (pageToken, signal) => {
    const { topic = '', channel = '' } = filters;
    const times = { afterTimeMs: BigInt(msOf(filters.after)), beforeTimeMs: BigInt(msOf(filters.before)) };
    const page = await admin.listScheduled({ topic, channel, ...times, pageToken }, { signal });
    return { rows: page.scheduled, next: page.nextPageToken };
  });
  return (
    <Page
      title="Schedule"
      about="What waits for a time: delayed messages and retries, the next due first. None comes early."
      actions={
        <Link to="/cron" className="button">
          Cron entries
        </Link>
      }
    >
      <div className="card">
        <Filters
          label="Schedule"
          fields={[
            { name: 'topic', label: 'Topic' },
            { name: 'channel', label: 'Channel' },
            { name: 'after', label: 'Due not before', kind: 'time' },
            { name: 'before', label: 'Due before', kind: 'time' },
          ]}
          values={filters}
          onApply={(search) => void navigate({ search })}
        />
        <Listing
          what="the schedule"
          pages={pages}
          empty={
            <Empty title="Nothing is scheduled">
              <p>
                Publish with a delay, and it waits here: <code>npx waybill pub orders hello --delay 10m</code>.
              </p>
            </Empty>
          }
        >
          {(rows) => (
            <Table
              label="Schedule"
              rows={rows}
              keyOf={({ topic, id, channel, channelTopic }) => `${topic} ${id} ${channelTopic} ${channel}`}
              columns={[
                { title: 'Due', cell: ({ dueTimeMs }) => <Ago ms={dueTimeMs} /> },
                {
                  title: 'Message',
                  name: true,
                  cell: ({ topic, id, channel, key }) => (
                    <>
                      <Link to="/messages/$topic/$id" params={{ topic, id }} className="mono">
                        {id}
                      </Link>
                      <div className="sub mono">
                        {topic}
                        {channel === '' ? '' : `/${channel}`}
                        {key === '' ? '' : ` · key ${key}`}
                      </div>
                    </>
                  ),
                },
                { title: 'State', wide: true, cell: ({ state }) => <State state={state} /> },
                { title: 'Attempts', numeric: true, wide: true, cell: ({ attempt }) => attempt },
                { title: 'Size', numeric: true, wide: true, cell: ({ bodyBytes }) => bytes(bodyBytes) },
                { title: 'Why', wide: true, cell: ({ reason }) => <div className="reason">{reason}</div> },
                { title: 'Actions', silent: true, numeric: true, cell: (row) => <ScheduledActions row={row} /> },
              ]}
            />
          )}
        </Listing>
      </div>
    </Page>
  );
}
