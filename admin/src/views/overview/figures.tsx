import { Link } from '@tanstack/react-router';
import type { Stats } from '@waybill/proto/waybill/v1/admin';
import type { ReactNode } from 'react';
import { depthsAge } from '../../app/staleness.js';
import { count, counted, rate, short } from '../../text/number.js';
import { duration } from '../../text/time.js';

/** More of a kind are not counted by the gateway. */
const COUNTED = 20_000n;

export function RateFigures({ stats }: { readonly stats: Stats }) {
  const { rates, totals } = stats;
  return (
    <section className="card figures" aria-label="Rates">
      <Figure
        label="Published/s"
        value={rate(rates?.published ?? 0)}
        note={`${count(totals?.published ?? 0n)} since start`}
      />
      <Figure
        label="Delivered/s"
        value={rate(rates?.delivered ?? 0)}
        note={`${count(totals?.delivered ?? 0n)} since start`}
      />
      <Figure label="Acked/s" value={rate(rates?.acked ?? 0)} note={`${count(totals?.acked ?? 0n)} since start`} />
      <Figure
        label="Retried/s"
        value={rate(rates?.retried ?? 0)}
        note={`${count(totals?.retried ?? 0n)} since start`}
      />
      <Figure label="Died/s" value={rate(rates?.dead ?? 0)} note={`${count(totals?.dead ?? 0n)} since start`} />
      <Figure label="Consumers" value={count(stats.consumers)} note={`on ${counted(stats.nodes, 'gateway')}`} />
    </section>
  );
}

export function DepthFigures({ stats }: { readonly stats: Stats }) {
  const { depths } = stats;
  if (depths === undefined) return null;
  const oldMs = depthsAge(stats);
  const note = oldMs > 0 ? `${duration(oldMs)} old` : undefined;
  return (
    <section className="card figures" aria-label="Depths" data-stale={oldMs > 0 || undefined}>
      <Figure
        label="Ready"
        value={
          depths.ready === undefined
            ? '?'
            : `${depths.readyApproximate && depths.ready > 0n ? '~' : ''}${short(depths.ready)}`
        }
        note={depths.ready === undefined ? 'not known: the broker is away' : (note ?? 'wait for a consumer')}
      />
      <Figure label="In flight" value={short(depths.inFlight)} note={note ?? 'with consumers'} />
      <Link to="/schedule">
        <Figure label="Scheduled" value={upTo(depths.scheduled)} note={note ?? 'delayed and retries'} />
      </Link>
      <Link to="/topics">
        <Figure label="Parked" value={upTo(depths.parked)} note={note ?? 'no channel wants them yet'} />
      </Link>
      <Link to="/dead" data-tone={depths.dead > 0n ? 'bad' : undefined}>
        <Figure label="Dead letters" value={upTo(depths.dead)} note={note ?? 'look, mend, redrive'} />
      </Link>
    </section>
  );
}

export function Figure({
  label,
  value,
  note,
}: {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: string;
}) {
  return (
    <div>
      <span className="label">{label}</span>
      <span className="value">{value}</span>
      {note === undefined ? null : <span className="note">{note}</span>}
    </div>
  );
}

function upTo(value: bigint): string {
  return value >= COUNTED ? `${short(COUNTED)}+` : short(value);
}
