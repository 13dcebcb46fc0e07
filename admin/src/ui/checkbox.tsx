import { Check, Minus } from 'lucide-react';
import type { ReactNode } from 'react';
import { Checkbox as AriaCheckbox } from 'react-aria-components';

export interface CheckboxProps {
  readonly selected: boolean;
  /** Some of what it stands for are selected. */
  readonly some?: boolean;
  readonly onChange: (selected: boolean) => void;
  /** Needed without children. */
  readonly label?: string;
  readonly children?: ReactNode;
}

export function Checkbox({ selected, some = false, onChange, label, children }: CheckboxProps) {
  return (
    <AriaCheckbox
      className="checkbox"
      isSelected={selected}
      isIndeterminate={some}
      onChange={onChange}
      {...(label === undefined ? {} : { 'aria-label': label })}
    >
      <span className="box">
        {some ? <Minus size={14} aria-hidden /> : selected ? <Check size={14} aria-hidden /> : null}
      </span>
      {children}
    </AriaCheckbox>
  );
}
