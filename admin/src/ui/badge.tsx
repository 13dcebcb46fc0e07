import { AttemptOutcome, MessageState } from '@waybill/proto/waybill/v1/admin';
import type { ReactNode } from 'react';

export type Tone = 'plain' | 'ok' | 'warn' | 'bad' | 'info' | 'hold';

export function Badge({ tone = 'plain', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  );
}

interface Look {
  readonly text: string;
  readonly tone: Tone;
}

export const STATES: Readonly<Record<MessageState, Look>> = {
  [MessageState.UNSPECIFIED]: { text: 'Unknown', tone: 'plain' },
  [MessageState.DELAYED]: { text: 'Delayed', tone: 'hold' },
  [MessageState.PARKED]: { text: 'Parked', tone: 'hold' },
  [MessageState.DELIVERED]: { text: 'Delivered', tone: 'info' },
  [MessageState.LEASED]: { text: 'Leased', tone: 'info' },
  [MessageState.RETURNED]: { text: 'Returned', tone: 'warn' },
  [MessageState.RETRY]: { text: 'Retry', tone: 'warn' },
  [MessageState.ACKED]: { text: 'Acked', tone: 'ok' },
  [MessageState.DEAD]: { text: 'Dead', tone: 'bad' },
  [MessageState.EXPIRED]: { text: 'Expired', tone: 'plain' },
  [MessageState.CANCELLED]: { text: 'Cancelled', tone: 'plain' },
  [MessageState.PURGED]: { text: 'Purged', tone: 'plain' },
};

export const OUTCOMES: Readonly<Record<AttemptOutcome, Look>> = {
  [AttemptOutcome.UNSPECIFIED]: { text: 'Unknown', tone: 'plain' },
  [AttemptOutcome.OPEN]: { text: 'With its consumer', tone: 'info' },
  [AttemptOutcome.ACKED]: { text: 'Acked', tone: 'ok' },
  [AttemptOutcome.RETRY]: { text: 'Failed, tried again', tone: 'warn' },
  [AttemptOutcome.RETURNED]: { text: 'Consumer went away', tone: 'warn' },
  [AttemptOutcome.DEAD]: { text: 'Dead', tone: 'bad' },
  [AttemptOutcome.EXPIRED]: { text: 'Expired', tone: 'plain' },
  [AttemptOutcome.REDRIVEN]: { text: 'Redriven', tone: 'hold' },
  [AttemptOutcome.PURGED]: { text: 'Purged', tone: 'plain' },
};

export function State({ state }: { readonly state: MessageState }) {
  const { text, tone } = STATES[state];
  return <Badge tone={tone}>{text}</Badge>;
}
