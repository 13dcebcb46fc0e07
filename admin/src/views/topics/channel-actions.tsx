import type { Channel } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { ActionButton } from '../../ui/action-button.js';
import { ActionMenu } from '../../ui/action-menu.js';
import { Button } from '../../ui/button.js';
import { DeleteChannelDialog, PurgeDialog } from './channel-dialogs.js';

interface ChannelActionsProps {
  readonly channel: Channel;
  /** In a row of a table there is no room for every button. */
  readonly inRow?: boolean;
  readonly onGone?: () => void;
}

export function ChannelActions({ channel, inRow = false, onGone }: ChannelActionsProps) {
  const [asking, setAsking] = useState<'purge' | 'delete'>();
  const name = { topic: channel.topic, channel: channel.name };
  const path = `${channel.topic}/${channel.name}`;
  const close = () => setAsking(undefined);
  return (
    <div className="actions">
      {channel.paused ? (
        <ActionButton
          size={inRow ? 'small' : 'normal'}
          label={`Resume ${path}`}
          failed={`${path} was not resumed`}
          onAction={() => act(admin.resumeChannel(name), () => `${path} resumed.`)}
        >
          Resume
        </ActionButton>
      ) : (
        <ActionButton
          size={inRow ? 'small' : 'normal'}
          label={`Pause ${path}`}
          failed={`${path} was not paused`}
          onAction={() =>
            act(admin.pauseChannel(name), () => `${path} paused: nothing is handed out until it is resumed.`)
          }
        >
          Pause
        </ActionButton>
      )}
      {inRow ? (
        <ActionMenu
          label={`More for ${path}`}
          actions={[
            { text: 'Purge…', danger: true, onAction: () => setAsking('purge') },
            { text: 'Delete…', danger: true, onAction: () => setAsking('delete') },
          ]}
        />
      ) : (
        <>
          <Button kind="danger" onPress={() => setAsking('purge')}>
            Purge…
          </Button>
          <Button kind="danger" onPress={() => setAsking('delete')}>
            Delete…
          </Button>
        </>
      )}
      {asking === 'purge' ? <PurgeDialog {...name} onClose={close} /> : null}
      {asking === 'delete' ? <DeleteChannelDialog {...name} onClose={close} {...(onGone ? { onGone } : {})} /> : null}
    </div>
  );
}
