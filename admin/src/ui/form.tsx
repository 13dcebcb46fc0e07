import type { ReactNode } from 'react';
import { Button } from './button.js';
import { FailureText } from './confirm.js';

export interface FormProps {
  readonly children: ReactNode;
  readonly action: string;
  readonly ready: boolean;
  readonly busy: boolean;
  readonly error: unknown;
  readonly onSubmit: () => void;
  /** Leaves without doing it; absent where the form is the page itself. */
  readonly leave?: { readonly text: string; readonly onLeave: () => void };
}

/** Fields, what went wrong, and the buttons. Enter in a field sends it. */
export function Form({ children, action, ready, busy, error, onSubmit, leave }: FormProps) {
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onSubmit();
      }}
    >
      {children}
      {error === undefined ? null : (
        <div className="notice" data-tone="bad" role="alert">
          <FailureText error={error} />
        </div>
      )}
      <div className="end">
        {leave ? <Button onPress={leave.onLeave}>{leave.text}</Button> : null}
        <Button type="submit" kind="primary" disabled={!ready} busy={busy}>
          {action}
        </Button>
      </div>
    </form>
  );
}
