import { type ReactNode, useState } from 'react';
import { Button, type ButtonProps } from './button.js';
import { FailureText } from './confirm.js';
import { Dialog } from './dialog.js';

export interface ActionButtonProps extends Pick<ButtonProps, 'kind' | 'size' | 'label' | 'disabled'> {
  readonly children: ReactNode;
  /** What is told when it fails: `orders/mail was not paused`. */
  readonly failed: string;
  readonly onAction: () => Promise<void>;
}

/** Does what can be undone at once, without a question. */
export function ActionButton({ children, failed, onAction, ...look }: ActionButtonProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async () => {
    setBusy(true);
    try {
      await onAction();
    } catch (fault) {
      setError(fault);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button {...look} busy={busy} onPress={() => void run()}>
        {children}
      </Button>
      {error === undefined ? null : (
        <Dialog title={failed} open onClose={() => setError(undefined)}>
          <p role="alert">
            <FailureText error={error} />
          </p>
          <div className="end">
            <Button onPress={() => setError(undefined)}>Close</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
