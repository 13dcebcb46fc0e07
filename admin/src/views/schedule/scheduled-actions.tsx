import { MessageState, type Scheduled } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { now } from '../../text/clock.js';
import { fromLocalInput, localTime, toLocalInput } from '../../text/time.js';
import { ActionButton } from '../../ui/action-button.js';
import { ActionMenu } from '../../ui/action-menu.js';
import { Confirm } from '../../ui/confirm.js';
import { Field } from '../../ui/field.js';

export function ScheduledActions({ row }: { readonly row: Scheduled }) {
  const [asking, setAsking] = useState<'cancel' | 'reschedule'>();
  const { topic, id, channel, channelTopic, state } = row;
  const close = () => setAsking(undefined);
  return (
    <div className="actions">
      <ActionButton
        size="small"
        label={`Run ${id} now`}
        failed={`${id} was not made due`}
        onAction={() => act(admin.runNow({ topic, id, channel, channelTopic }), () => `${id} is due now.`)}
      >
        Run now
      </ActionButton>
      {state === MessageState.DELAYED ? (
        <ActionMenu
          label={`More for ${id}`}
          actions={[
            { text: 'Reschedule…', onAction: () => setAsking('reschedule') },
            { text: 'Cancel…', danger: true, onAction: () => setAsking('cancel') },
          ]}
        />
      ) : (
        <span className="no-menu" />
      )}
      {asking === 'cancel' ? (
        <Confirm
          title="Cancel this message?"
          action="Cancel the message"
          effect={
            <>
              Message <strong>{id}</strong> of <strong>{topic}</strong>, due {localTime(Number(row.dueTimeMs))}, will be
              delivered to no channel. This cannot be undone.
            </>
          }
          onClose={close}
          onConfirm={() => act(admin.cancelScheduled({ topic, id }), () => `${id} cancelled.`)}
        />
      ) : null}
      {asking === 'reschedule' ? <Reschedule row={row} onClose={close} /> : null}
    </div>
  );
}

function Reschedule({ row, onClose }: { readonly row: Scheduled; readonly onClose: () => void }) {
  const { topic, id, dueTimeMs } = row;
  const [time, setTime] = useState(toLocalInput(Number(dueTimeMs)));
  const ms = fromLocalInput(time);
  return (
    <Confirm
      title="Reschedule this message?"
      action="Reschedule"
      harmless
      idle={ms === 0}
      effect={
        <>
          Message <strong>{id}</strong> of <strong>{topic}</strong> will be due{' '}
          {ms === 0 ? '…' : ms <= now() ? 'at once' : localTime(ms)}, not before.
        </>
      }
      onClose={onClose}
      onConfirm={() =>
        act(
          admin.rescheduleScheduled({ topic, id, when: { case: 'dueTimeMs', value: BigInt(ms) } }),
          (answer) => `${id} is due ${localTime(Number(answer.dueTimeMs))}.`,
        )
      }
    >
      <Field label="New time, in your zone" type="datetime-local" value={time} onChange={setTime} name="due" />
    </Confirm>
  );
}
