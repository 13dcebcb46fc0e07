import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type GetMessageResponse, MessageState, type Timeline } from '@waybill/proto/waybill/v1/admin';
import type { ReactNode } from 'react';
import { admin } from '../../api/clients.js';
import { REFRESH_MS } from '../../api/queries.js';
import { State } from '../../ui/badge.js';
import { Card, Page } from '../../ui/page.js';
import { Empty, Failed, Loading } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago, Time } from '../../ui/time.js';
import { BodyView } from './body-view.js';
import { eventsOf } from './trail.js';

const route = getRouteApi('/messages/$topic/$id');

/** So much of a body is read. */
const BODY_BYTES = 1 << 20;

export function MessageView() {
  const { topic, id } = route.useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['message', topic, id],
    queryFn: ({ signal }) => admin.getMessage({ topic, id, maxBodyBytes: BODY_BYTES }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Page title="Message" documentTitle={`Message ${id}`} crumb={<Link to="/messages">Messages</Link>}>
      {error === null ? null : (
        <div className="card">
          <Failed error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {data === undefined ? (
        error === null && (
          <div className="card">
            <Loading what="the message" />
          </div>
        )
      ) : (
        <Slip found={data} />
      )}
    </Page>
  );
}

function Slip({ found }: { readonly found: GetMessageResponse }) {
  const { id, topic, message, timelines, acceptTimeMs } = found;
  const key = message?.key || timelines.find(({ record }) => record?.key)?.record?.key || '';
  return (
    <>
      <section className="card slip" aria-label="Message">
        <dl className="number">
          <dt>Waybill</dt>
          <dd>{id}</dd>
        </dl>
        <dl className="facts">
          <Fact name="Topic">
            <Link to="/topics/$topic" params={{ topic }} className="mono">
              {topic}
            </Link>
          </Fact>
          <Fact name="Key">
            {key === '' ? <span className="muted">None</span> : <span className="mono">{key}</span>}
          </Fact>
          <Fact name="Accepted">
            <Time ms={acceptTimeMs} />
          </Fact>
          <Fact name="Channels on record">{timelines.filter(({ record }) => record?.channel !== '').length}</Fact>
        </dl>
      </section>
      <div className="columns">
        <div className="stack">
          {timelines.map((timeline) => (
            <Story
              key={`${timeline.record?.channelTopic}/${timeline.record?.channel}`}
              timeline={timeline}
              acceptTimeMs={acceptTimeMs}
            />
          ))}
        </div>
        <div className="stack">
          {message === undefined ? (
            <Card title="Body">
              <Empty title="The ledger no longer holds the body">
                <p>
                  It keeps body and headers while a message is delayed, parked, leased, waits for a retry, or is dead.
                </p>
              </Empty>
            </Card>
          ) : (
            <>
              <Headers headers={message.headers} />
              <BodyView body={message.body} bodyBytes={found.bodyBytes} />
            </>
          )}
        </div>
      </div>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Story({ timeline, acceptTimeMs }: { readonly timeline: Timeline; readonly acceptTimeMs: bigint }) {
  const { record } = timeline;
  if (record === undefined) return null;
  const { topic, id, channel, channelTopic, state } = record;
  const place = channel === '' ? `The topic ${topic}` : `Channel ${channelTopic}/${channel}`;
  return (
    <Card
      title={place}
      actions={
        <>
          {state === MessageState.DEAD ? (
            <Link to="/dead" search={{ topic, channel, ids: id }}>
              Mend or redrive
            </Link>
          ) : null}
          {state === MessageState.DELAYED || state === MessageState.RETRY ? (
            <Link to="/schedule" search={{ topic }}>
              In the schedule
            </Link>
          ) : null}
          <State state={state} />
        </>
      }
    >
      <ol className="trail" aria-label={`Timeline of ${place}`}>
        {eventsOf(timeline, acceptTimeMs).map(({ key, tone, title, facts, atMs, coming, said }) => (
          <li key={key} data-tone={tone}>
            <div className="event">
              <div>
                <b>{title}</b>
                {facts.map((fact) => (
                  <span key={fact} className="break">
                    {fact}
                  </span>
                ))}
              </div>
              {atMs === 0n ? null : coming ? <Ago ms={atMs} /> : <Time ms={atMs} />}
            </div>
            {said === '' ? null : <p className="said">{said}</p>}
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Headers({ headers }: { readonly headers: Readonly<Record<string, string>> }) {
  const rows = Object.entries(headers).sort(([one], [other]) => one.localeCompare(other));
  return (
    <Card title="Headers">
      {rows.length === 0 ? (
        <Empty title="No headers" />
      ) : (
        <Table
          label="Headers"
          rows={rows}
          keyOf={([name]) => name}
          columns={[
            { title: 'Name', name: true, cell: ([name]) => <span className="mono">{name}</span> },
            { title: 'Value', cell: ([, value]) => <span className="mono">{value}</span> },
          ]}
        />
      )}
    </Card>
  );
}
