import { useQuery } from '@tanstack/react-query';
import { type CronEntry, CronMissed } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { failureOf } from '../../api/failure.js';
import { asText } from '../../text/body.js';
import { localTime } from '../../text/time.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { ChoiceField, Field } from '../../ui/field.js';
import { Form } from '../../ui/form.js';
import { HeadersEditor, headersFrom, headersTo } from '../../ui/headers-editor.js';
import { Failed, Loading } from '../../ui/state.js';
import { useSaving } from '../../ui/use-saving.js';

interface CronDialogProps {
  /** As the list has it; absent: a new one. */
  readonly entry?: CronEntry;
  readonly onClose: () => void;
}

const MISSED = [
  { id: String(CronMissed.RUN_ONCE), text: 'Make up for them once' },
  { id: String(CronMissed.SKIP), text: 'Leave them out' },
];

export function CronDialog({ entry, onClose }: CronDialogProps) {
  const name = entry?.name;
  const { data, error, refetch } = useQuery({
    queryKey: ['cron-entry', name],
    // A list holds the beginnings of long bodies only.
    queryFn: ({ signal }) => admin.getCronEntry({ name: name ?? '' }, { signal }),
    enabled: name !== undefined,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const ready = name === undefined || data?.entry !== undefined;
  return (
    <Dialog title={name === undefined ? 'Create a cron entry' : `Edit ${name}`} open onClose={onClose} wide question>
      {ready ? (
        <CronForm {...(data?.entry ? { entry: data.entry } : {})} onClose={onClose} />
      ) : (
        <>
          {error === null ? <Loading what="the entry" /> : <Failed error={error} onRetry={() => void refetch()} />}
          <div className="end">
            <Button onPress={onClose}>Close</Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function CronForm({ entry, onClose }: CronDialogProps) {
  const [name, setName] = useState(entry?.name ?? '');
  const [topic, setTopic] = useState(entry?.topic ?? '');
  const [expression, setExpression] = useState(entry?.expression ?? '');
  const [timeZone, setTimeZone] = useState(entry?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [missed, setMissed] = useState(String(entry?.missed || CronMissed.RUN_ONCE));
  const before = entry === undefined ? '' : asText(entry.body);
  const [body, setBody] = useState(before ?? '');
  const [headers, setHeaders] = useState(headersFrom(entry?.headers ?? {}));
  const { busy, error, save } = useSaving();
  const send = async () => {
    const next = {
      name,
      topic,
      expression,
      timeZone,
      missed: Number(missed),
      body: entry !== undefined && before === undefined ? entry.body : new TextEncoder().encode(body),
      headers: headersTo(headers),
      key: entry?.key ?? '',
      ttlMs: entry?.ttlMs ?? 0n,
      paused: entry?.paused ?? false,
    };
    if (entry === undefined) await act(admin.createCronEntry({ entry: next }), () => `${name} created.`);
    else await act(admin.updateCronEntry({ entry: next }), () => `${name} changed.`);
    onClose();
  };
  return (
    <Form
      action={entry === undefined ? 'Create' : 'Save the change'}
      ready={name !== '' && topic !== '' && expression !== ''}
      busy={busy}
      error={error}
      onSubmit={() => save(send)}
      leave={{ text: entry === undefined ? 'Cancel' : 'Keep as it was', onLeave: onClose }}
    >
      <div className="pair">
        {entry === undefined ? <Field label="Name" value={name} onChange={setName} mono required autoFocus /> : null}
        <Field label="Topic" value={topic} onChange={setTopic} mono required />
      </div>
      <div className="pair">
        <Field
          label="When"
          value={expression}
          onChange={setExpression}
          hint="minute hour day month weekday, or @hourly, @daily…"
          placeholder="30 9 * * 1-5"
          mono
          required
        />
        <Field
          label="Time zone"
          value={timeZone}
          onChange={setTimeZone}
          hint="Empty: UTC"
          placeholder="Europe/Berlin"
        />
        <ChoiceField label="Missed ticks" value={missed} choices={MISSED} onChange={setMissed} />
      </div>
      <NextTimes expression={expression} timeZone={timeZone} />
      {before === undefined ? (
        <div className="notice">The body is not text, so it cannot be edited here. It stays as it is.</div>
      ) : (
        <Field label="Body" value={body} onChange={setBody} rows={4} mono />
      )}
      <HeadersEditor headers={headers} onChange={setHeaders} />
    </Form>
  );
}

/** When it would run, in the operator's zone: the surest way to see that an expression means what was meant. */
function NextTimes({ expression, timeZone }: { readonly expression: string; readonly timeZone: string }) {
  const { data, error } = useQuery({
    queryKey: ['cron-preview', expression, timeZone],
    queryFn: ({ signal }) => admin.previewCron({ expression, timeZone, count: 3 }, { signal }),
    enabled: expression.trim() !== '',
    retry: false,
  });
  const text =
    expression.trim() === ''
      ? 'The next runs show here.'
      : error !== null
        ? failureOf(error).detail || failureOf(error).title
        : data === undefined
          ? 'Working it out…'
          : data.timesMs.length === 0
            ? 'It never comes.'
            : `Next, in your zone: ${data.timesMs.map((ms) => localTime(Number(ms))).join(' · ')}`;
  return (
    <div className="effect" data-tone={error === null ? 'plain' : undefined} role="status">
      {text}
    </div>
  );
}
