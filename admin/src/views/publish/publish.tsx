import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { bus } from '../../api/clients.js';
import { queryClient } from '../../api/queries.js';
import { bytes } from '../../text/number.js';
import { parseDuration } from '../../text/time.js';
import { ChoiceField, Field } from '../../ui/field.js';
import { Form } from '../../ui/form.js';
import { type Header, HeadersEditor, headersTo } from '../../ui/headers-editor.js';
import { Page } from '../../ui/page.js';
import { useSaving } from '../../ui/use-saving.js';
import { type BodyKind, encodeBody } from './encode-body.js';

const route = getRouteApi('/publish');

const KINDS: readonly { readonly id: BodyKind; readonly text: string }[] = [
  { id: 'text', text: 'Text' },
  { id: 'json', text: 'JSON, checked' },
  { id: 'base64', text: 'Base64' },
  { id: 'hex', text: 'Hex' },
];

interface Sent {
  readonly topic: string;
  readonly id: string;
  readonly later: boolean;
}

export function Publish() {
  const search = route.useSearch();
  const [topic, setTopic] = useState(search.topic ?? '');
  const [body, setBody] = useState('');
  const [kind, setKind] = useState<BodyKind>('text');
  const [key, setKey] = useState('');
  const [id, setId] = useState('');
  const [delay, setDelay] = useState('');
  const [ttl, setTtl] = useState('');
  const [headers, setHeaders] = useState<readonly Header[]>([]);
  const [sent, setSent] = useState<Sent>();
  const { busy, error, save } = useSaving();
  const encoded = encodeBody(body, kind);
  const faults = { body: encoded.fault, delay: durationFault(delay), ttl: durationFault(ttl) };
  const ready = topic !== '' && Object.values(faults).every((fault) => fault === '');
  const send = async () => {
    setSent(undefined);
    const message = {
      id,
      topic,
      key,
      body: encoded.bytes,
      headers: headersTo(headers),
      delayMs: BigInt(parseDuration(delay) ?? 0),
      ttlMs: BigInt(parseDuration(ttl) ?? 0),
    };
    const { results } = await bus.publish({ messages: [message] });
    setSent({ topic, id: results[0]?.id ?? id, later: message.delayMs > 0n });
    await queryClient.invalidateQueries();
  };
  return (
    <Page title="Publish" about="One message; it counts as accepted when it is durable.">
      <div className="card form-page">
        <div className="inside">
          <Form action="Publish" ready={ready} busy={busy} error={error} onSubmit={() => save(send)}>
            <div className="pair">
              <Field
                label="Topic"
                value={topic}
                onChange={setTopic}
                mono
                required
                autoFocus={topic === ''}
                name="topic"
              />
              <Field
                label="Key"
                value={key}
                onChange={setKey}
                mono
                hint="What it is about, such as an order"
                name="key"
              />
              <Field label="Id" value={id} onChange={setId} mono hint="Empty: the gateway gives one" name="id" />
            </div>
            <Field
              label={`Body, ${bytes(encoded.bytes.length)}`}
              value={body}
              onChange={setBody}
              fault={faults.body}
              rows={8}
              mono
              name="body"
            />
            <div className="pair">
              <ChoiceField
                label="Body is given as"
                value={kind}
                choices={KINDS}
                onChange={(next) => setKind(KINDS.find((each) => each.id === next)?.id ?? 'text')}
              />
              <Field
                label="Delay"
                value={delay}
                onChange={setDelay}
                fault={faults.delay}
                hint="30s, 15m, 2h; empty: now"
                name="delay"
              />
              <Field
                label="Time to live"
                value={ttl}
                onChange={setTtl}
                fault={faults.ttl}
                hint="30s, 15m, 2h; empty: for ever"
                name="ttl"
              />
            </div>
            <HeadersEditor headers={headers} onChange={setHeaders} />
          </Form>
          <div role="status">
            {sent === undefined ? null : (
              <div className="effect" data-tone="plain">
                Accepted as{' '}
                <Link to="/messages/$topic/$id" params={{ topic: sent.topic, id: sent.id }} className="mono">
                  {sent.id}
                </Link>
                . {sent.later ? 'It is in the schedule.' : 'It is on record from its first delivery on.'}
              </div>
            )}
          </div>
        </div>
      </div>
    </Page>
  );
}

function durationFault(text: string): string {
  return text === '' || parseDuration(text) !== undefined ? '' : 'A time like 30s, 15m or 2h.';
}
