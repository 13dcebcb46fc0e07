import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { parseDuration } from '../../text/time.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { Form } from '../../ui/form.js';
import { useSaving } from '../../ui/use-saving.js';

interface CreateChannelProps {
  readonly topic: string;
  readonly onClose: () => void;
}

export function CreateChannelDialog({ topic: given, onClose }: CreateChannelProps) {
  const [topic, setTopic] = useState(given);
  const [channel, setChannel] = useState('');
  const [retries, setRetries] = useState('');
  const [delay, setDelay] = useState('');
  const { busy, error, save } = useSaving();
  const delayMs = delay === '' ? undefined : parseDuration(delay);
  const faults = {
    retries: retries === '' || /^\d{1,4}$/.test(retries) ? '' : 'A number, 0 to 1,000.',
    delay: delay === '' || delayMs !== undefined ? '' : 'A time like 30s, 15m or 2h.',
  };
  const ready = topic !== '' && channel !== '' && faults.retries === '' && faults.delay === '';
  const create = async () => {
    const retry = {
      ...(retries === '' ? {} : { maxRetries: Number(retries) }),
      ...(delayMs === undefined ? {} : { backoff: { case: 'fixed' as const, value: { delayMs: BigInt(delayMs) } } }),
    };
    const own = retries === '' && delay === '' ? {} : { retry };
    await act(admin.createChannel({ topic, channel, ...own }), () => `${topic}/${channel} is there.`);
    onClose();
  };
  return (
    <Dialog title="Create a channel" open onClose={onClose}>
      <Form
        action="Create"
        ready={ready}
        busy={busy}
        error={error}
        onSubmit={() => save(create)}
        leave={{ text: 'Cancel', onLeave: onClose }}
      >
        <p className="muted">It keeps a copy of every message that is published to the topic from now on.</p>
        <Field
          label="Topic or pattern"
          value={topic}
          onChange={setTopic}
          hint="orders, orders.* for one word more, audit.# for any"
          mono
          required
          autoFocus={given === ''}
          name="topic"
        />
        <Field
          label="Channel"
          value={channel}
          onChange={setChannel}
          mono
          required
          autoFocus={given !== ''}
          name="channel"
        />
        <div className="pair">
          <Field
            label="Retries"
            value={retries}
            onChange={setRetries}
            hint="Empty: as the configuration says"
            fault={faults.retries}
          />
          <Field
            label="Delay before a retry"
            value={delay}
            onChange={setDelay}
            hint="30s, 15m, 2h; empty: as the configuration says"
            fault={faults.delay}
          />
        </div>
      </Form>
    </Dialog>
  );
}
