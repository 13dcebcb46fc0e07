import type { Engine } from '../support/gateway.js';
import type { ServiceUrls } from '../support/services/service.js';
import { isSound, type Outcome, type Row, type Scenario } from './scenario.js';
import type { Spares } from './spares.js';
import { type Length, Stage } from './stage.js';

/** Plays one scenario on one engine. What it started is gone when this settles, or among the spares. */
export async function play(
  scenario: Scenario,
  engine: Engine,
  length: Length,
  shared: ServiceUrls,
  spares: Spares,
): Promise<Row> {
  const stage = new Stage(engine, length, shared, spares);
  try {
    const outcome = await scenario.play(stage);
    if (isSound(outcome)) stage.wentWell();
    else tell(stage, outcome);
    return { scenario: scenario.name, engine, ...outcome };
  } catch (error) {
    // Said here, as a failure to clear up would take its place.
    console.error(error);
    stage.printLogs();
    throw error;
  } finally {
    await stage.clear();
  }
}

function tell(stage: Stage, { details = [] }: Outcome): void {
  stage.printLogs();
  for (const detail of details) console.error(detail);
}
