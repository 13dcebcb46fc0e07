import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { count, counted } from '../../text/number.js';
import { Checkbox } from '../../ui/checkbox.js';
import { Confirm } from '../../ui/confirm.js';
import { useDryRun } from '../../ui/dry-run.js';

export interface ChannelName {
  readonly topic: string;
  readonly channel: string;
}

interface DialogProps extends ChannelName {
  readonly onClose: () => void;
  /** The channel is gone. */
  readonly onGone?: () => void;
}

/** A purge ends when the call's time is nearly up; so many calls follow each other before the operator is asked again. */
const PURGE_CALLS = 20;

export function PurgeDialog({ topic, channel, onClose }: DialogProps) {
  const [ready, setReady] = useState(true);
  const [scheduled, setScheduled] = useState(true);
  const none = !ready && !scheduled;
  const request = { topic, channel, ready, scheduled };
  const { answer, error } = useDryRun(['purge', request], async (signal) =>
    none ? undefined : admin.purgeChannel({ ...request, dryRun: true }, { signal }),
  );
  const name = `${topic}/${channel}`;
  return (
    <Confirm
      title={`Purge ${name}?`}
      typed={name}
      action="Purge"
      idle={none}
      unknown={error}
      effect={
        none
          ? 'Choose what to end.'
          : answer && (
              <>
                Ends <strong>{counted(answer.ready, 'ready message')}</strong> and{' '}
                <strong>{counted(answer.scheduled, 'retry', 'retries')}</strong> of {name} without delivery, as far as
                is known. This cannot be undone. Other channels of the topic keep their copies.
              </>
            )
      }
      onClose={onClose}
      onConfirm={() =>
        act(
          purgeAll(request),
          ({ total, complete }) => `${count(total)} of ${name} purged.${complete ? '' : ' More is left: purge again.'}`,
        )
      }
    >
      <div className="actions">
        <Checkbox selected={ready} onChange={setReady}>
          What waits for a consumer
        </Checkbox>
        <Checkbox selected={scheduled} onChange={setScheduled}>
          Retries that wait for their time
        </Checkbox>
      </div>
    </Confirm>
  );
}

interface Purged {
  readonly total: bigint;
  /** False: there is more. */
  readonly complete: boolean;
}

async function purgeAll(
  request: ChannelName & { readonly ready: boolean; readonly scheduled: boolean },
): Promise<Purged> {
  let total = 0n;
  for (let call = 0; call < PURGE_CALLS; call++) {
    const { ready, scheduled, complete } = await admin.purgeChannel(request);
    total += ready + scheduled;
    if (complete) return { total, complete };
  }
  return { total, complete: false };
}

export function DeleteChannelDialog({ topic, channel, onClose, onGone }: DialogProps) {
  const name = `${topic}/${channel}`;
  const { answer, error } = useDryRun(['delete-channel', topic, channel], (signal) =>
    admin.deleteChannel({ topic, channel, purge: true, dryRun: true }, { signal }),
  );
  return (
    <Confirm
      title={`Delete the channel ${name}?`}
      typed={name}
      action="Delete the channel"
      unknown={error}
      effect={
        answer && (
          <>
            Ends the channel, its queue, and <strong>{counted(answer.purged, 'message')}</strong> that it holds, as far
            as is known. Messages published from now on no longer reach it. It must have no consumers. This cannot be
            undone.
          </>
        )
      }
      onClose={onClose}
      onConfirm={async () => {
        await act(admin.deleteChannel({ topic, channel, purge: true }), () => `${name} deleted.`);
        onGone?.();
      }}
    />
  );
}

export function DeleteTopicDialog({ topic, onClose, onGone }: Omit<DialogProps, 'channel'>) {
  const { answer, error } = useDryRun(['delete-topic', topic], (signal) =>
    admin.deleteTopic({ topic, purge: true, dryRun: true }, { signal }),
  );
  return (
    <Confirm
      title={`Delete the topic ${topic}?`}
      typed={topic}
      action="Delete the topic"
      unknown={error}
      effect={
        answer && (
          <>
            Ends <strong>{counted(answer.channels, 'channel')}</strong> with{' '}
            <strong>{counted(answer.purged, 'message')}</strong>, cancels{' '}
            <strong>{counted(answer.cancelled, 'delayed or parked message')}</strong>, and deletes{' '}
            <strong>{counted(answer.cronEntries, 'cron entry', 'cron entries')}</strong>. Channels with a pattern stay.
            This cannot be undone.
          </>
        )
      }
      onClose={onClose}
      onConfirm={async () => {
        await act(admin.deleteTopic({ topic, purge: true }), () => `${topic} deleted.`);
        onGone?.();
      }}
    />
  );
}
