import type { ChannelDepth } from '@waybill/proto/waybill/v1/admin';
import { count } from '../text/number.js';

/** A number of messages; zero is quiet, so that the others stand out. */
export function Depth({
  value,
  more = false,
  bad = false,
}: {
  readonly value: bigint;
  readonly more?: boolean;
  readonly bad?: boolean;
}) {
  return (
    <span className={value === 0n ? 'zero' : bad ? 'hot' : undefined}>
      {count(value)}
      {more ? '+' : ''}
    </span>
  );
}

export function ReadyDepth({ depth }: { readonly depth: ChannelDepth | undefined }) {
  if (depth?.ready === undefined) return <span title="Not known: the broker is away">?</span>;
  const guess = depth.readyApproximate && depth.ready > 0n;
  return (
    <span className={depth.ready === 0n ? 'zero' : undefined} title={guess ? 'An estimate of the broker' : undefined}>
      {guess ? '~' : ''}
      {count(depth.ready)}
    </span>
  );
}
