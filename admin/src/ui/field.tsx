import { ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import {
  Button,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Text,
  TextArea,
  TextField,
} from 'react-aria-components';

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: ReactNode;
  /** What is wrong with the value; empty while nothing is. */
  readonly fault?: string;
  readonly placeholder?: string;
  readonly type?: 'text' | 'password' | 'datetime-local';
  readonly rows?: number;
  readonly mono?: boolean;
  readonly required?: boolean;
  readonly autoFocus?: boolean;
  readonly name?: string;
}

export function Field(props: FieldProps) {
  const { label, hint, fault = '', type = 'text', rows, placeholder = '' } = props;
  return (
    <TextField
      className="field"
      data-mono={props.mono || undefined}
      value={props.value}
      onChange={props.onChange}
      type={type === 'datetime-local' ? 'text' : type}
      isInvalid={fault !== ''}
      isRequired={props.required ?? false}
      validationBehavior="aria"
      autoFocus={props.autoFocus ?? false}
      autoComplete="off"
      spellCheck="false"
      {...(props.name === undefined ? {} : { name: props.name })}
    >
      <Label>{label}</Label>
      {rows === undefined ? (
        <Input placeholder={placeholder} {...(type === 'datetime-local' ? { type, step: 1 } : {})} />
      ) : (
        <TextArea rows={rows} placeholder={placeholder} />
      )}
      {hint === undefined || fault !== '' ? null : (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="fault">{fault}</FieldError>
    </TextField>
  );
}

export interface Choice {
  readonly id: string;
  readonly text: string;
}

export interface ChoiceFieldProps {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
  readonly onChange: (id: string) => void;
}

export function ChoiceField({ label, value, choices, onChange }: ChoiceFieldProps) {
  return (
    <Select className="field" value={value} onChange={(key) => onChange(String(key))}>
      <Label>{label}</Label>
      <Button className="select">
        <SelectValue />
        <ChevronDown size={16} aria-hidden />
      </Button>
      <Popover className="popover">
        <ListBox className="listbox" items={choices}>
          {(choice) => <ListBoxItem id={choice.id}>{choice.text}</ListBoxItem>}
        </ListBox>
      </Popover>
    </Select>
  );
}
