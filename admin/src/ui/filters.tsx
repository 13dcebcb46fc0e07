import { useState } from 'react';
import { fromLocalInput, isoOf, msOf, toLocalInput } from '../text/time.js';
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

/** On a narrow screen the others are folded away until they are asked for, or set. See controls.css. */
const SHOWN_ON_PHONE = 2;

/** What narrows a view. The URL holds what applies; what is being typed is here only. */
export function Filters<Name extends string>({ label, fields, values, onApply, action = 'Apply' }: FiltersProps<Name>) {
  const [draft, setDraft] = useState(values);
  const inUrl = JSON.stringify(values);
  // Back, Forward and links change the URL under the form.
  const [drafted, setDrafted] = useState(inUrl);
  if (drafted !== inUrl) {
    setDrafted(inUrl);
    setDraft(values);
  }
  const set = (name: Name, value: string) => ({ ...draft, [name]: value });
  const isSet = fields.some(({ name }) => (values[name] ?? '') !== '');
  const [folded, setFolded] = useState(!isSet);
  return (
    <search aria-label={label}>
      <form
        className="filters"
        data-folded={folded || undefined}
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
          {folded && fields.length > SHOWN_ON_PHONE ? (
            <Button className="more-filters" onPress={() => setFolded(false)}>
              More filters
            </Button>
          ) : null}
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
