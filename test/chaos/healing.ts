import type { Outcome } from './scenario.js';
import type { Stage } from './stage.js';
import type { Traffic } from './traffic.js';
import type { Witness } from './witness.js';

/** To be called when the trouble has just ended: the way is open again, the gateway says so, goes on for a while, and was the same all along. */
export async function heals(stage: Stage, traffic: Traffic, witness: Witness): Promise<Outcome> {
  const recovered = await traffic.recovered();
  await witness.says([]);
  await traffic.flows(stage.pick(2_000, 200));
  const outcome = await traffic.finish(recovered);
  witness.check();
  return outcome;
}
