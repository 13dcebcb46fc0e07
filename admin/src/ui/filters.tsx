import { useEffect, useState } from 'react';
import { fromLocalInput, toLocalInput } from '../text/time.js';
import { Button } from './button.js';
import { type Choice, ChoiceField, Field } from './field.js';

export interface FilterField<Name extends string> {
  readonly name: Name;
  readonly label: string;
  /** `time` is an ISO time in UTC in the URL, and the operator's own zone on the screen. */
  readonly kind?: 'text' | 'time' | 'choice';
  readonly choices?: readonly Choice[];
  readonly placeholder?: string;
}

export interface FiltersProps<Name extends string> {
  readonly label: string;
  readonly fields: readonly FilterField<Name>[];
  /** What the URL says. */
  readonly values: { readonly [key in Name]?: string };
  /** Goes into the URL, as one step that Back undoes. */
  readonly onApply: (values: { [key in Name]?: string }) => void;
  readonly action?: string;
}

/** What narrows a view. The URL holds what applies; what is being typed is here only. */
export function Filters<Name extends string>({ label, fields, values, onApply, action = 'Apply' }: FiltersProps<Name>) {
  const [draft, setDraft] = useState(values);
  const inUrl = JSON.stringify(values);
  useEffect(() => setDraft(JSON.parse(inUrl)), [inUrl]);
  const set = (name: Name, value: string) => ({ ...draft, [name]: value });
  const isSet = fields.some(({ name }) => (values[name] ?? '') !== '');
  return (
    <search aria-label={label}>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          onApply(draft);
        }}
      >
        {fields.map(({ name, label: title, kind = 'text', choices = [], placeholder = '' }) =>
          kind === 'choice' ? (
            <ChoiceField
              key={name}
              label={title}
              value={draft[name] ?? ''}
              choices={choices}
              onChange={(value) => onApply(set(name, value))}
            />
          ) : kind === 'time' ? (
            <Field
              key={name}
              label={title}
              type="datetime-local"
              value={toLocalInput(msOf(draft[name]))}
              onChange={(value) => setDraft(set(name, isoOf(fromLocalInput(value))))}
            />
          ) : (
            <Field
              key={name}
              label={title}
              value={draft[name] ?? ''}
              onChange={(value) => setDraft(set(name, value))}
              placeholder={placeholder}
              mono
            />
          ),
        )}
        <div className="actions">
          <Button type="submit" kind="primary">
            {action}
          </Button>
          {isSet ? (
            <Button kind="quiet" onPress={() => onApply({})}>
              Clear
            </Button>
          ) : null}
        </div>
      </form>
    </search>
  );
}

/** Unix milliseconds of a time in the URL; 0 where there is none. */
export function msOf(time: string | undefined): number {
  const ms = time === undefined ? 0 : Date.parse(time);
  return Number.isNaN(ms) ? 0 : ms;
}

function isoOf(ms: number): string {
  return ms === 0 ? '' : new Date(ms).toISOString();
}
