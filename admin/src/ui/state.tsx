import type { ReactNode } from 'react';
import { failureOf } from '../api/failure.js';
import { Button } from './button.js';

/** Nothing is there: says why, and what to do about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <p className="what">{title}</p>
      {children}
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div className="loading" role="status">
      <span aria-hidden />
      <span aria-hidden />
      <span aria-hidden />
      <p className="visually-hidden">Loading {what}</p>
    </div>
  );
}

export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { title, detail, advice } = failureOf(error);
  return (
    <div className="state" data-tone="bad" role="alert">
      <p className="what">{title}</p>
      {detail === '' ? null : (
        <p>
          <code>{detail}</code>
        </p>
      )}
      <p>{advice}</p>
      {onRetry === undefined ? null : (
        <Button size="small" onPress={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
