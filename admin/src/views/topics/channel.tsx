import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type Channel, ConsumerKind } from '@waybill/proto/waybill/v1/admin';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { REFRESH_MS } from '../../api/queries.js';
import { count } from '../../text/number.js';
import { Depth, ReadyDepth } from '../../ui/depth.js';
import { Listing } from '../../ui/listing.js';
import { Card, Page } from '../../ui/page.js';
import { Empty, Failed, Loading } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago, Time } from '../../ui/time.js';
import { ChannelActions } from './channel-actions.js';
import { retryText } from './retry-policy.js';

const route = getRouteApi('/topics/$topic/$channel');

export function ChannelView() {
  const { topic, channel: name } = route.useParams();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['channel', topic, name],
    queryFn: ({ signal }) => admin.getChannel({ topic, channel: name }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  const channel = data?.channel;
  return (
    <Page
      title={`${topic}/${name}`}
      crumb={
        <>
          <Link to="/topics">Topics and channels</Link> /{' '}
          <Link to="/topics/$topic" params={{ topic }}>
            {topic}
          </Link>
        </>
      }
      actions={
        channel ? <ChannelActions channel={channel} onGone={() => void navigate({ to: '/topics' })} /> : undefined
      }
    >
      {channel?.paused ? (
        <div className="notice">
          <strong>Paused.</strong> Nothing is handed out by any gateway until it is resumed; publishing and settling go
          on.
        </div>
      ) : null}
      {error === null ? null : (
        <div className="card">
          <Failed error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {channel === undefined ? (
        error === null && (
          <div className="card">
            <Loading what="the channel" />
          </div>
        )
      ) : (
        <Facts channel={channel} />
      )}
      <Consumers topic={topic} channel={name} />
    </Page>
  );
}

function Facts({ channel }: { readonly channel: Channel }) {
  const { topic, name, depth } = channel;
  const more = depth?.more ?? false;
  return (
    <div className="card">
      <dl className="facts">
        <div>
          <dt>Ready</dt>
          <dd>
            <ReadyDepth depth={depth} />
          </dd>
        </div>
        <div>
          <dt>In flight</dt>
          <dd>
            <Depth value={depth?.inFlight ?? 0n} more={more} />
          </dd>
        </div>
        <div>
          <dt>Retries that wait</dt>
          <dd>
            <Link to="/schedule" search={{ channel: name }}>
              <Depth value={depth?.scheduled ?? 0n} more={more} />
            </Link>
          </dd>
        </div>
        <div>
          <dt>Dead letters</dt>
          <dd>
            <Link to="/dead" search={{ channel: name }}>
              <Depth value={depth?.dead ?? 0n} more={more} bad />
            </Link>
          </dd>
        </div>
        <div>
          <dt>Oldest waits since</dt>
          <dd>
            <Ago ms={depth?.oldestAcceptTimeMs ?? 0n} />
          </dd>
        </div>
        <div>
          <dt>Exists since</dt>
          <dd>
            <Time ms={channel.createTimeMs} />
          </dd>
        </div>
        <div>
          <dt>Retry policy</dt>
          <dd>{retryText(channel.retry)}</dd>
        </div>
        <div>
          <dt>History</dt>
          <dd>
            <Link to="/messages" search={/[*#]/.test(topic) ? { channel: name } : { topic, channel: name }}>
              Messages on record
            </Link>
          </dd>
        </div>
      </dl>
    </div>
  );
}

function Consumers({ topic, channel }: { readonly topic: string; readonly channel: string }) {
  const pages = usePages(['consumers', topic, channel], async (pageToken, signal) => {
    const page = await admin.listConsumers({ topic, channel, pageToken }, { signal });
    return { rows: page.consumers, next: page.nextPageToken };
  });
  return (
    <Card title="Consumers">
      <Listing
        what="consumers"
        pages={pages}
        empty={
          <Empty title="Nobody consumes">
            <p>
              Messages wait until somebody subscribes, for instance{' '}
              <code>
                npx waybill sub {topic} {channel}
              </code>
              .
            </p>
          </Empty>
        }
      >
        {(rows) => (
          <Table
            label="Consumers"
            rows={rows}
            keyOf={({ node, name, sinceTimeMs, kind }) => `${node} ${name} ${sinceTimeMs} ${kind}`}
            columns={[
              { title: 'Consumer', name: true, cell: ({ name }) => <span className="mono">{name}</span> },
              { title: 'Kind', cell: ({ kind }) => (kind === ConsumerKind.PULL ? 'Pull' : 'Stream') },
              { title: 'Gateway', wide: true, cell: ({ node }) => <span className="mono">{node}</span> },
              { title: 'Since', cell: ({ sinceTimeMs }) => <Ago ms={sinceTimeMs} /> },
              { title: 'Holds', numeric: true, cell: ({ inFlight }) => count(inFlight) },
              { title: 'Credit', numeric: true, cell: ({ credit }) => count(credit) },
            ]}
          />
        )}
      </Listing>
    </Card>
  );
}
