import type { CronEntry } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { ActionButton } from '../../ui/action-button.js';
import { ActionMenu } from '../../ui/action-menu.js';
import { Confirm } from '../../ui/confirm.js';

export function CronActions({ entry, onEdit }: { readonly entry: CronEntry; readonly onEdit: () => void }) {
  const [asking, setAsking] = useState<'run' | 'delete'>();
  const { name, topic, expression, paused } = entry;
  const close = () => setAsking(undefined);
  return (
    <div className="actions">
      <ActionButton
        size="small"
        label={`${paused ? 'Resume' : 'Pause'} ${name}`}
        failed={`${name} was not ${paused ? 'resumed' : 'paused'}`}
        onAction={() =>
          paused
            ? act(admin.resumeCronEntry({ name }), () => `${name} resumed.`)
            : act(admin.pauseCronEntry({ name }), () => `${name} paused.`)
        }
      >
        {paused ? 'Resume' : 'Pause'}
      </ActionButton>
      <ActionMenu
        label={`More for ${name}`}
        actions={[
          { text: 'Run now…', onAction: () => setAsking('run') },
          { text: 'Edit…', onAction: onEdit },
          { text: 'Delete…', danger: true, onAction: () => setAsking('delete') },
        ]}
      />
      {asking === 'run' ? (
        <Confirm
          title={`Run ${name} now?`}
          action="Publish once"
          harmless
          effect={
            <>
              Publishes its message once to <strong>{topic}</strong>, now. Its ticks stay as they are.
            </>
          }
          onClose={close}
          onConfirm={() => act(admin.runCronEntry({ name }), ({ id }) => `Published ${id}.`)}
        />
      ) : null}
      {asking === 'delete' ? (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete the entry"
          effect={
            <>
              Nothing is published to <strong>{topic}</strong> at <code>{expression}</code> any more. What it published
              before is delivered all the same. This cannot be undone.
            </>
          }
          onClose={close}
          onConfirm={() => act(admin.deleteCronEntry({ name }), () => `${name} deleted.`)}
        />
      ) : null}
    </div>
  );
}
