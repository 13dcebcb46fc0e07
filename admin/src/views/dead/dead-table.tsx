import { Link } from '@tanstack/react-router';
import type { DeadLetter } from '@waybill/proto/waybill/v1/admin';
import { bytes } from '../../text/number.js';
import { Button } from '../../ui/button.js';
import { Checkbox } from '../../ui/checkbox.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';

interface DeadTableProps {
  readonly rows: readonly DeadLetter[];
  readonly keyOf: (row: DeadLetter) => string;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (selected: ReadonlySet<string>) => void;
  readonly onEdit: (row: DeadLetter) => void;
}

export function DeadTable({ rows, keyOf, selected, onSelect, onEdit }: DeadTableProps) {
  const chosen = rows.filter((row) => selected.has(keyOf(row)));
  const toggle = (key: string, on: boolean) => {
    const next = new Set(selected);
    if (on) next.add(key);
    else next.delete(key);
    onSelect(next);
  };
  return (
    <Table
      label="Dead letters"
      rows={rows}
      keyOf={keyOf}
      columns={[
        {
          title: 'Select',
          head: (
            <Checkbox
              label="Select all that are shown"
              selected={chosen.length === rows.length}
              some={chosen.length > 0 && chosen.length < rows.length}
              onChange={(on) => onSelect(new Set(on ? rows.map(keyOf) : []))}
            />
          ),
          cell: (row) => (
            <Checkbox
              label={`Select ${row.id}`}
              selected={selected.has(keyOf(row))}
              onChange={(on) => toggle(keyOf(row), on)}
            />
          ),
        },
        {
          title: 'Message',
          name: true,
          cell: ({ topic, id, channel, key, reason }) => (
            <>
              <Link to="/messages/$topic/$id" params={{ topic, id }} className="mono">
                {id}
              </Link>
              <div className="sub mono">
                {topic}/{channel}
                {key === '' ? '' : ` · key ${key}`}
              </div>
              <div className="sub narrow">{reason}</div>
            </>
          ),
        },
        { title: 'Died', cell: ({ deadTimeMs }) => <Ago ms={deadTimeMs} /> },
        { title: 'Attempts', numeric: true, wide: true, cell: ({ attempt }) => attempt },
        { title: 'Why', wide: true, cell: ({ reason }) => <div className="reason">{reason}</div> },
        {
          title: 'Last consumer',
          wide: true,
          cell: ({ consumer }) => <span className="mono">{consumer || '–'}</span>,
        },
        { title: 'Size', numeric: true, wide: true, cell: ({ bodyBytes }) => bytes(bodyBytes) },
        {
          title: 'Actions',
          silent: true,
          numeric: true,
          cell: (row) => (
            <Button size="small" label={`Edit ${row.id}`} onPress={() => onEdit(row)}>
              Edit…
            </Button>
          ),
        },
      ]}
    />
  );
}
