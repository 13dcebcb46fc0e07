import { act } from '../../api/act.js';
import { counted } from '../../text/number.js';
import { Confirm } from '../../ui/confirm.js';
import { useDryRun } from '../../ui/dry-run.js';
import { deleteDead, MOST } from './count.js';
import type { DeadQuery } from './query.js';
import { keyOf } from './redrive-dialog.js';

interface DeleteDeadDialogProps {
  readonly queries: readonly DeadQuery[];
  /** The queries in words. */
  readonly what: string;
  readonly onClose: () => void;
}

export function DeleteDeadDialog({ queries, what, onClose }: DeleteDeadDialogProps) {
  const { answer, error } = useDryRun(['delete-dead', keyOf(queries)], (signal) =>
    deleteDead(queries, MOST, true, signal),
  );
  // No more than was counted: what dies while the question stands was not agreed to.
  const limit = answer === undefined ? 0 : Number(answer.count);
  return (
    <Confirm
      title={`Delete ${what}?`}
      typed="delete"
      action="Delete for good"
      idle={limit === 0}
      unknown={error}
      effect={
        answer &&
        (answer.count === 0n ? (
          'Nothing would be deleted: no dead letter fits.'
        ) : (
          <>
            Removes the {answer.count === 1n ? 'body' : 'bodies'} of{' '}
            <strong>{counted(answer.count, 'dead letter')}</strong> for good; the history stays. This cannot be undone.
          </>
        ))
      }
      onClose={onClose}
      onConfirm={() =>
        act(deleteDead(queries, limit, false), (done) => `${counted(done.count, 'dead letter')} deleted.`)
      }
    />
  );
}
