import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Node } from '@waybill/proto/waybill/v1/admin';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { count, counted, rate } from '../../text/number.js';
import { Badge } from '../../ui/badge.js';
import { Listing } from '../../ui/listing.js';
import { Card, Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago, useNow } from '../../ui/time.js';

const SHARDS = Array.from({ length: 64 }, (_, shard) => shard);
/** A gateway tells of itself every few seconds; one that is silent for longer is about to be taken off the list. */
const SILENT_MS = 7_000;

export function Nodes() {
  const pages = usePages(['nodes'], async (pageToken, signal) => {
    const page = await admin.listNodes({ pageToken }, { signal });
    return { rows: page.nodes, next: page.nextPageToken };
  });
  const rows = pages.rows ?? [];
  return (
    <Page
      title="Nodes and shards"
      about="Each gateway brings the due messages of its shards; they move when one joins or leaves."
    >
      <Card title="Gateways">
        <Listing
          what="gateways"
          pages={pages}
          empty={
            <Empty title="No gateway is known">
              <p>
                The store in which gateways find each other may be away. The one that answers here works all the same.
              </p>
            </Empty>
          }
        >
          {(nodes) => <NodeTable nodes={nodes} />}
        </Listing>
      </Card>
      {rows.length === 0 ? null : (
        <Card title="Shards of the schedule">
          <Shards nodes={rows} />
        </Card>
      )}
    </Page>
  );
}

function NodeTable({ nodes }: { readonly nodes: readonly Node[] }) {
  const nowMs = useNow();
  return (
    <Table
      label="Gateways"
      rows={nodes}
      keyOf={({ name }) => name}
      columns={[
        {
          title: 'Gateway',
          name: true,
          cell: ({ name, draining, seenTimeMs }) => (
            <>
              <Link to="/connections" search={{ node: name }} className="mono">
                {name}
              </Link>{' '}
              {draining ? <Badge tone="warn">Draining</Badge> : null}
              {nowMs - Number(seenTimeMs) > SILENT_MS ? <Badge tone="bad">Silent</Badge> : null}
            </>
          ),
        },
        { title: 'Published/s', numeric: true, cell: ({ name }) => <NodeRate node={name} /> },
        { title: 'Consumers', numeric: true, cell: ({ consumers }) => count(consumers) },
        { title: 'In flight', numeric: true, cell: ({ inFlight }) => count(inFlight) },
        { title: 'Shards', numeric: true, wide: true, cell: ({ shards }) => shards.length },
        { title: 'Up since', wide: true, cell: ({ startTimeMs }) => <Ago ms={startTimeMs} /> },
        { title: 'Last heard', wide: true, cell: ({ seenTimeMs }) => <Ago ms={seenTimeMs} /> },
        { title: 'Version', wide: true, cell: ({ version, engine }) => `${version}, ${engine}` },
      ]}
    />
  );
}

function NodeRate({ node }: { readonly node: string }) {
  const { data } = useQuery({
    queryKey: ['node-stats', node],
    queryFn: ({ signal }) => admin.getStats({ node }, { signal }),
    refetchInterval: 2_000,
    retry: false,
  });
  return <>{data?.stats?.rates ? rate(data.stats.rates.published) : '–'}</>;
}

function Shards({ nodes }: { readonly nodes: readonly Node[] }) {
  const held = new Set(nodes.flatMap(({ shards }) => shards));
  const free = SHARDS.filter((shard) => !held.has(shard));
  return (
    <div className="inside stack">
      {free.length === 0 ? (
        <p className="muted">Every shard has a gateway.</p>
      ) : (
        <section className="stack" aria-label="Shards without a gateway">
          <p>
            <strong>{counted(free.length, 'shard')} without a gateway.</strong> What is due there waits. This is usual
            for a few seconds after a gateway came or went.
          </p>
          <ShardList shards={free} free />
        </section>
      )}
      {nodes.map(({ name, shards }) => (
        <section key={name} className="stack" aria-label={`Shards of ${name}`}>
          <h3 className="mono">
            {name} <span className="muted">{shards.length}</span>
          </h3>
          <ShardList shards={shards} />
        </section>
      ))}
    </div>
  );
}

function ShardList({ shards, free = false }: { readonly shards: readonly number[]; readonly free?: boolean }) {
  return (
    <ol className="shards" data-free={free || undefined}>
      {[...shards]
        .sort((one, other) => one - other)
        .map((shard) => (
          <li key={shard}>{shard}</li>
        ))}
    </ol>
  );
}
