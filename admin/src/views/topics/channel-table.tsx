import { Link } from '@tanstack/react-router';
import type { Channel } from '@waybill/proto/waybill/v1/admin';
import { count } from '../../text/number.js';
import { Badge } from '../../ui/badge.js';
import { Depth, ReadyDepth } from '../../ui/depth.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';
import { ChannelActions } from './channel-actions.js';

export function ChannelTable({ channels }: { readonly channels: readonly Channel[] }) {
  return (
    <Table
      label="Channels"
      rows={channels}
      keyOf={({ topic, name }) => `${topic}/${name}`}
      columns={[
        {
          title: 'Channel',
          name: true,
          cell: ({ topic, name, paused }) => (
            <>
              <Link to="/topics/$topic/$channel" params={{ topic, channel: name }} className="mono">
                {topic}/{name}
              </Link>{' '}
              {paused ? <Badge tone="warn">Paused</Badge> : null}
            </>
          ),
        },
        { title: 'Ready', numeric: true, cell: ({ depth }) => <ReadyDepth depth={depth} /> },
        {
          title: 'In flight',
          numeric: true,
          wide: true,
          cell: ({ depth }) => <Depth value={depth?.inFlight ?? 0n} more={depth?.more ?? false} />,
        },
        {
          title: 'Retries',
          numeric: true,
          wide: true,
          cell: ({ depth }) => <Depth value={depth?.scheduled ?? 0n} more={depth?.more ?? false} />,
        },
        {
          title: 'Dead',
          numeric: true,
          cell: ({ depth, topic, name }) => (
            <Link to="/dead" search={{ topic, channel: name }}>
              <Depth value={depth?.dead ?? 0n} more={depth?.more ?? false} bad />
            </Link>
          ),
        },
        {
          title: 'Consumers',
          numeric: true,
          wide: true,
          cell: ({ consumers }) => <span className={consumers === 0 ? 'zero' : undefined}>{count(consumers)}</span>,
        },
        {
          title: 'Oldest waits since',
          wide: true,
          cell: ({ depth }) => <Ago ms={depth?.oldestAcceptTimeMs ?? 0n} />,
        },
        {
          title: 'Actions',
          silent: true,
          numeric: true,
          cell: (channel) => <ChannelActions channel={channel} inRow />,
        },
      ]}
    />
  );
}
