import { useLiveStats } from '../api/live-stats.js';
import { counted, rate } from '../text/number.js';
import { duration } from '../text/time.js';
import { useNow } from '../ui/time.js';
import { depthsAge } from './staleness.js';

/** Whether what the page shows is of this moment, always in sight. */
export function LiveMark() {
  const { state, latest } = useLiveStats();
  const nowMs = useNow();
  if (state === 'connecting') return <Mark state={state} text="Connecting…" />;
  if (state === 'away') {
    const age = latest === undefined ? '' : ` Figures are ${duration(Math.max(0, nowMs - Number(latest.timeMs)))} old.`;
    return <Mark state={state} text={`The gateway does not answer.${age}`} />;
  }
  const oldMs = latest === undefined ? 0 : depthsAge(latest);
  if (oldMs > 0)
    return <Mark state="degraded" text={`Live, but depths are ${duration(oldMs)} old: the ledger is away`} />;
  const nodes = counted(latest?.nodes ?? 0, 'gateway');
  return <Mark state={state} text={`Live · ${nodes} · ${rate(latest?.rates?.published ?? 0)} published/s`} />;
}

function Mark({ state, text }: { readonly state: string; readonly text: string }) {
  return (
    <p className="live" data-state={state}>
      <span className="dot" aria-hidden />
      {text}
    </p>
  );
}
