import { type ReactNode, useState } from 'react';
import { failureOf } from '../api/failure.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Field } from './field.js';

export interface ConfirmProps {
  readonly title: string;
  /** What it will hit, in numbers where they are known. Nothing can be confirmed while it is `undefined`. */
  readonly effect: ReactNode | undefined;
  /** The effect could not be found out. */
  readonly unknown?: unknown;
  /** What must be typed before it can be done. */
  readonly typed?: string;
  readonly action: string;
  /** It destroys nothing. */
  readonly harmless?: boolean;
  /** There is nothing to do. */
  readonly idle?: boolean;
  readonly children?: ReactNode;
  /** Rejects when it was not done; what is said then is shown, and the question stays. */
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
}

/** Asks before anything is done, and says what will be hit. Mounted for as long as the question stands. */
export function Confirm(props: ConfirmProps) {
  const { title, effect, unknown, typed, action, harmless = false, idle = false, onConfirm, onClose } = props;
  const [word, setWord] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const ready = effect !== undefined && !idle && (typed === undefined || word === typed);
  const confirm = async () => {
    if (!ready || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (fault) {
      setError(fault);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} open onClose={onClose} question>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {props.children}
        <div className="effect" data-tone={harmless ? 'plain' : undefined} role="status">
          {unknown === undefined ? (effect ?? 'Counting what it would hit…') : <FailureText error={unknown} />}
        </div>
        {typed === undefined ? null : (
          <Field
            label={`Type ${typed} to confirm`}
            value={word}
            onChange={setWord}
            mono
            autoFocus
            name="confirmation"
          />
        )}
        {error === undefined ? null : (
          <div className="notice" data-tone="bad" role="alert">
            <FailureText error={error} />
          </div>
        )}
        <div className="end">
          <Button onPress={onClose}>Keep everything as it is</Button>
          <Button type="submit" kind={harmless ? 'primary' : 'final'} disabled={!ready} busy={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function FailureText({ error }: { readonly error: unknown }) {
  const { title, detail, advice } = failureOf(error);
  return (
    <>
      <strong>{title}.</strong> {detail} <span>{advice}</span>
    </>
  );
}
