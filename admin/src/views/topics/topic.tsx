import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { admin } from '../../api/clients.js';
import { REFRESH_MS } from '../../api/queries.js';
import { counted } from '../../text/number.js';
import { Button } from '../../ui/button.js';
import { Card, Page } from '../../ui/page.js';
import { Empty, Failed, Loading } from '../../ui/state.js';
import { DeleteTopicDialog } from './channel-dialogs.js';
import { ChannelTable } from './channel-table.js';
import { CreateChannelDialog } from './create-channel.js';

const route = getRouteApi('/topics/$topic');

export function Topic() {
  const { topic } = route.useParams();
  const navigate = route.useNavigate();
  const [asking, setAsking] = useState<'create' | 'delete'>();
  const { data, error, refetch } = useQuery({
    queryKey: ['topic', topic],
    queryFn: ({ signal }) => admin.getTopic({ topic }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  const pattern = data?.topic?.pattern ?? false;
  const parked = data?.topic?.parked ?? 0n;
  return (
    <Page
      title={topic}
      crumb={<Link to="/topics">Topics and channels</Link>}
      about={pattern ? 'A pattern: its channels get what is published to every topic that it matches.' : undefined}
      actions={
        <>
          {pattern ? null : (
            <Link to="/publish" search={{ topic }} className="button">
              Publish
            </Link>
          )}
          <Button onPress={() => setAsking('create')}>Create a channel…</Button>
          <Button kind="danger" onPress={() => setAsking('delete')}>
            Delete…
          </Button>
        </>
      }
    >
      {parked > 0n ? (
        <div className="notice">
          <strong>{counted(parked, 'message')} parked.</strong> No channel wanted them when they came; the first channel
          of this topic receives them.{' '}
          <Link to="/messages" search={{ topic, state: 'parked' }}>
            Show them
          </Link>
        </div>
      ) : null}
      <Card title="Channels that get its messages">
        {error === null ? null : <Failed error={error} onRetry={() => void refetch()} />}
        {data === undefined ? (
          error === null && <Loading what="the topic" />
        ) : data.channels.length === 0 ? (
          <Empty title="No channel yet">
            <p>What is published here is parked until one is made.</p>
          </Empty>
        ) : (
          <ChannelTable channels={data.channels} />
        )}
      </Card>
      {pattern ? null : (
        <p className="actions">
          <Link to="/messages" search={{ topic }}>
            Messages of this topic
          </Link>
          <Link to="/schedule" search={{ topic }}>
            What is scheduled
          </Link>
          <Link to="/dead" search={{ topic }}>
            Dead letters
          </Link>
        </p>
      )}
      {asking === 'create' ? <CreateChannelDialog topic={topic} onClose={() => setAsking(undefined)} /> : null}
      {asking === 'delete' ? (
        <DeleteTopicDialog
          topic={topic}
          onClose={() => setAsking(undefined)}
          onGone={() => void navigate({ to: '/topics' })}
        />
      ) : null}
    </Page>
  );
}
