import { Link } from '@tanstack/react-router';
import type { MessageRecord } from '@waybill/proto/waybill/v1/admin';
import { State } from '../../ui/badge.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';

export function MessageTable({ rows }: { readonly rows: readonly MessageRecord[] }) {
  return (
    <Table
      label="Messages"
      rows={rows}
      keyOf={({ id, topic, channel, channelTopic }) => `${topic} ${id} ${channelTopic} ${channel}`}
      columns={[
        {
          title: 'Message',
          name: true,
          cell: ({ topic, id, key }) => (
            <>
              <Link to="/messages/$topic/$id" params={{ topic, id }} className="mono">
                {id}
              </Link>
              {key === '' ? null : (
                <div className="sub">
                  key <span className="mono">{key}</span>
                </div>
              )}
            </>
          ),
        },
        {
          title: 'Topic / channel',
          cell: ({ topic, channel }) => (
            <span className="mono">
              {topic}
              {channel === '' ? '' : `/${channel}`}
            </span>
          ),
        },
        { title: 'State', cell: ({ state }) => <State state={state} /> },
        { title: 'Attempt', numeric: true, wide: true, cell: ({ attempt }) => attempt || '–' },
        {
          title: 'Consumer',
          wide: true,
          cell: ({ consumer }) => <span className="mono">{consumer || '–'}</span>,
        },
        { title: 'Accepted', wide: true, cell: ({ acceptTimeMs }) => <Ago ms={acceptTimeMs} /> },
        { title: 'Settled', wide: true, cell: ({ settleTimeMs }) => <Ago ms={settleTimeMs} /> },
        {
          title: 'Why',
          wide: true,
          cell: ({ reason }) => <div className="reason">{reason}</div>,
        },
      ]}
    />
  );
}
