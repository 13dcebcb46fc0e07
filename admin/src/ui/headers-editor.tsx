import { Plus, X } from 'lucide-react';
import { Group } from 'react-aria-components';
import { Button } from './button.js';
import { Field } from './field.js';

export interface Header {
  /** Keeps the field its own while its name is being typed. */
  readonly id: number;
  readonly name: string;
  readonly value: string;
}

export function headersFrom(headers: Readonly<Record<string, string>>): readonly Header[] {
  return Object.entries(headers).map(([name, value], id) => ({ id, name, value }));
}

/** Without those that have no name. */
export function headersTo(headers: readonly Header[]): Record<string, string> {
  return Object.fromEntries(headers.filter(({ name }) => name !== '').map(({ name, value }) => [name, value]));
}

interface HeadersEditorProps {
  readonly headers: readonly Header[];
  readonly onChange: (headers: readonly Header[]) => void;
}

export function HeadersEditor({ headers, onChange }: HeadersEditorProps) {
  const nextId = Math.max(-1, ...headers.map(({ id }) => id)) + 1;
  const change = (id: number, part: Partial<Header>) =>
    onChange(headers.map((header) => (header.id === id ? { ...header, ...part } : header)));
  return (
    <Group className="pairs field" aria-label="Headers">
      <span className="label">Headers</span>
      {headers.map(({ id, name, value }, at) => (
        <div className="pair-row" key={id}>
          <Field label={`Name of header ${at + 1}`} value={name} onChange={(next) => change(id, { name: next })} mono />
          <Field
            label={`Value of header ${at + 1}`}
            value={value}
            onChange={(next) => change(id, { value: next })}
            mono
          />
          <Button
            kind="quiet"
            size="icon"
            label={`Remove header ${at + 1}`}
            onPress={() => onChange(headers.filter((header) => header.id !== id))}
          >
            <X size={16} aria-hidden />
          </Button>
        </div>
      ))}
      <div>
        <Button size="small" onPress={() => onChange([...headers, { id: nextId, name: '', value: '' }])}>
          <Plus size={14} aria-hidden /> Add a header
        </Button>
      </div>
    </Group>
  );
}
