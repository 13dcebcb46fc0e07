import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Channel } from '@waybill/proto/waybill/v1/admin';
import { admin } from '../../api/clients.js';
import { REFRESH_MS } from '../../api/queries.js';
import { Badge } from '../../ui/badge.js';
import { Card } from '../../ui/page.js';
import { Empty, Failed, Loading } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { worriesOf } from './worries.js';

/** So many channels are looked at. */
const CHANNELS = 1_000;

/** Channels that somebody should look at, and why. */
export function Attention() {
  const query = useQuery({
    queryKey: ['attention'],
    queryFn: ({ signal }) => admin.listChannels({ pageSize: CHANNELS }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  const { data, error, refetch } = query;
  return (
    <Card title="Needs a look">
      {error === null ? null : <Failed error={error} onRetry={() => void refetch()} />}
      {data === undefined ? error === null && <Loading what="channels" /> : <Worries channels={data.channels} />}
      {data === undefined || data.nextPageToken === '' ? null : (
        <p className="table-foot">Only the first {CHANNELS} channels were looked at.</p>
      )}
    </Card>
  );
}

function Worries({ channels }: { readonly channels: readonly Channel[] }) {
  const rows = channels
    .map((channel) => ({ channel, worries: worriesOf(channel) }))
    .filter(({ worries }) => worries.length > 0);
  if (channels.length === 0) {
    return (
      <Empty title="No channels yet">
        <p>
          A channel is made when somebody subscribes: <code>npx waybill sub orders billing</code>. Or{' '}
          <Link to="/topics">make one here</Link>, and <Link to="/publish">publish</Link> to its topic.
        </p>
      </Empty>
    );
  }
  if (rows.length === 0) {
    return (
      <Empty title="All is well">
        <p>No channel is paused, without consumers while messages wait, or holds dead letters.</p>
      </Empty>
    );
  }
  return (
    <Table
      label="Channels that need a look"
      rows={rows}
      keyOf={({ channel }) => `${channel.topic}/${channel.name}`}
      columns={[
        {
          title: 'Channel',
          name: true,
          cell: ({ channel }) => (
            <Link
              to="/topics/$topic/$channel"
              params={{ topic: channel.topic, channel: channel.name }}
              className="mono"
            >
              {channel.topic}/{channel.name}
            </Link>
          ),
        },
        {
          title: 'Why',
          cell: ({ worries }) => (
            <div className="badges">
              {worries.map(({ tone, text }) => (
                <Badge key={text} tone={tone}>
                  {text}
                </Badge>
              ))}
            </div>
          ),
        },
      ]}
    />
  );
}
