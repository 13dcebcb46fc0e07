import type { Channel } from '@waybill/proto/waybill/v1/admin';
import { counted } from '../../text/number.js';
import type { Tone } from '../../ui/badge.js';

/** Why somebody should look at a channel. */
export interface Worry {
  readonly tone: Tone;
  readonly text: string;
}

export function worriesOf({
  paused,
  depth,
  consumers,
}: Pick<Channel, 'paused' | 'depth' | 'consumers'>): readonly Worry[] {
  const worries: Worry[] = [];
  if (depth !== undefined && depth.dead > 0n) worries.push({ tone: 'bad', text: counted(depth.dead, 'dead letter') });
  if (paused) worries.push({ tone: 'warn', text: 'Paused' });
  const ready = depth?.ready ?? 0n;
  if (!paused && consumers === 0 && ready > 0n) {
    worries.push({ tone: 'warn', text: `${counted(ready, 'message')} and no consumer` });
  }
  return worries;
}
