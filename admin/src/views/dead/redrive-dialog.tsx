import { useState } from 'react';
import { act } from '../../api/act.js';
import { count, counted } from '../../text/number.js';
import { Checkbox } from '../../ui/checkbox.js';
import { Confirm } from '../../ui/confirm.js';
import { useDryRun } from '../../ui/dry-run.js';
import { Field } from '../../ui/field.js';
import { MOST, redrive } from './count.js';
import type { DeadQuery } from './query.js';

interface RedriveDialogProps {
  readonly queries: readonly DeadQuery[];
  /** The queries in words. */
  readonly what: string;
  readonly onClose: () => void;
}

const DEFAULT_LIMIT = 1_000;
const FASTEST = 100_000;

export function RedriveDialog({ queries, what, onClose }: RedriveDialogProps) {
  const [limit, setLimit] = useState(String(DEFAULT_LIMIT));
  const [rate, setRate] = useState('');
  const [dropTtl, setDropTtl] = useState(false);
  const faults = { limit: rangeFault(limit, MOST), rate: rate === '' ? '' : rangeFault(rate, FASTEST) };
  const valid = faults.limit === '' && faults.rate === '';
  const options = { limit: valid ? Number(limit) : 1, maxPerSecond: valid ? Number(rate) : 0, dropTtl };
  const { answer, error } = useDryRun(['redrive', what, keyOf(queries), options.limit], (signal) =>
    redrive(queries, options, true, signal),
  );
  return (
    <Confirm
      title={`Redrive ${what}?`}
      action="Redrive"
      harmless
      idle={!valid || answer?.count === 0n}
      unknown={error}
      effect={
        answer && (
          <>
            {answer.count === 0n ? (
              'Nothing would be redriven: no dead letter fits.'
            ) : (
              <>
                Gives <strong>{counted(answer.count, 'dead letter')}</strong> back to the channel on which{' '}
                {answer.count === 1n ? 'it' : 'each'} died, and to no other, with all retries ahead
                {rate === '' ? '' : `, ${count(Number(rate))} a second`}.
              </>
            )}
            {answer.complete ? '' : ' More fit: raise the limit, or redrive again.'}
          </>
        )
      }
      onClose={onClose}
      onConfirm={() =>
        act(redrive(queries, options, false), (done) => `${counted(done.count, 'dead letter')} redriven.`)
      }
    >
      <div className="pair">
        <Field label="At most" value={limit} onChange={setLimit} fault={faults.limit} name="limit" />
        <Field
          label="At most a second"
          value={rate}
          onChange={setRate}
          fault={faults.rate}
          hint="Empty: all at once"
          name="rate"
        />
      </div>
      <Checkbox selected={dropTtl} onChange={setDropTtl}>
        Also hand out what has outlived its time to live
      </Checkbox>
    </Confirm>
  );
}

function rangeFault(text: string, most: number): string {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= 1 && value <= most ? '' : `A number, 1 to ${count(most)}.`;
}

/** A query holds times as bigint, which a query key cannot. */
export function keyOf(queries: readonly DeadQuery[]): string {
  return JSON.stringify(queries, (_name, value) => (typeof value === 'bigint' ? String(value) : value));
}
