import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 10;

/** Sends so many a second, evenly, until the time is up or nobody wants more; answers how many. Late ticks are made up for. */
export async function atRate(
  perSecond: number,
  seconds: number,
  send: (number: number) => void,
  wanted: () => boolean = () => true,
): Promise<number> {
  const from = performance.now();
  const count = Number.isFinite(seconds) ? Math.round(perSecond * seconds) : Number.POSITIVE_INFINITY;
  let sent = 0;
  while (sent < count && wanted()) {
    const due = Math.min(count, Math.floor(((performance.now() - from) * perSecond) / 1_000));
    while (sent < due) send(sent++);
    await delay(TICK_MS);
  }
  return sent;
}
