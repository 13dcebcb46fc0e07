import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';

export interface ButtonProps {
  readonly children: ReactNode;
  /** `danger` opens a question; `final` is the answer that does it; `link` names what it opens. */
  readonly kind?: 'plain' | 'primary' | 'danger' | 'final' | 'quiet' | 'link';
  readonly size?: 'normal' | 'small' | 'icon';
  /** Needed where `children` is an icon alone. */
  readonly label?: string;
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  /** It is being done: the button stays, and cannot be pressed twice. */
  readonly busy?: boolean;
  readonly onPress?: () => void;
  readonly className?: string;
}

export function Button(props: ButtonProps) {
  const { children, kind = 'plain', size = 'normal', label, type = 'button', onPress } = props;
  return (
    <AriaButton
      className={`button ${props.className ?? ''}`}
      data-kind={kind}
      data-size={size}
      type={type}
      isDisabled={props.disabled ?? false}
      isPending={props.busy ?? false}
      {...(label === undefined ? {} : { 'aria-label': label })}
      {...(onPress === undefined ? {} : { onPress })}
    >
      {children}
    </AriaButton>
  );
}
