import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Depth } from '../../ui/depth.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Card, Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { ChannelTable } from './channel-table.js';
import { CreateChannelDialog } from './create-channel.js';

const route = getRouteApi('/topics');

export function Topics() {
  const { prefix = '', channel = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const [creating, setCreating] = useState(false);
  const topics = usePages(['topics', prefix], async (pageToken, signal) => {
    const page = await admin.listTopics({ prefix, pageToken, pageSize: 50 }, { signal });
    return { rows: page.topics, next: page.nextPageToken };
  });
  const channels = usePages(['channels', '', channel], async (pageToken, signal) => {
    const page = await admin.listChannels({ prefix: channel, pageToken }, { signal });
    return { rows: page.channels, next: page.nextPageToken };
  });
  const filtered = prefix !== '' || channel !== '';
  const nothing = filtered ? (
    <Empty title="Nothing begins with that">
      <p>Take letters away, or clear the filter.</p>
    </Empty>
  ) : (
    <Empty title="Nothing yet">
      <p>
        Topics and channels are made on first use: <code>npx waybill sub orders billing</code>. You can also create a
        channel here.
      </p>
    </Empty>
  );
  return (
    <Page
      title="Topics and channels"
      about="Every channel of a topic gets its own copy of every message; the consumers of one channel share its copies."
      actions={
        <Button kind="primary" onPress={() => setCreating(true)}>
          Create a channel…
        </Button>
      }
    >
      <div className="card">
        <Filters
          label="Topics and channels"
          fields={[
            { name: 'prefix', label: 'Topics that begin with' },
            { name: 'channel', label: 'Channels that begin with' },
          ]}
          values={{ prefix, channel }}
          onApply={(search) => void navigate({ search })}
        />
      </div>
      <Card title="Channels">
        <Listing what="channels" pages={channels} empty={nothing}>
          {(rows) => <ChannelTable channels={rows} />}
        </Listing>
      </Card>
      <Card title="Topics">
        <Listing what="topics" pages={topics} empty={nothing}>
          {(rows) => (
            <Table
              label="Topics"
              rows={rows}
              keyOf={({ name }) => name}
              columns={[
                {
                  title: 'Topic',
                  name: true,
                  cell: ({ name, pattern }) => (
                    <>
                      <Link to="/topics/$topic" params={{ topic: name }} className="mono">
                        {name}
                      </Link>{' '}
                      {pattern ? <Badge tone="info">Pattern</Badge> : null}
                    </>
                  ),
                },
                { title: 'Channels', numeric: true, cell: ({ channelCount }) => channelCount },
                { title: 'Parked', numeric: true, cell: ({ parked }) => <Depth value={parked} /> },
              ]}
            />
          )}
        </Listing>
      </Card>
      {creating ? <CreateChannelDialog topic="" onClose={() => setCreating(false)} /> : null}
    </Page>
  );
}
