import { afterAll, describe, expect, test } from 'vitest';
import { sharedServices } from '../support/services.js';
import { play } from './play.js';
import type { Scenario } from './scenario.js';
import { Spares } from './spares.js';
import { line } from './table.js';

const MOST_MS = 180_000;

/** Plays the scenarios in their short form, each on every engine that it is for, as tests. */
export function inShort(scenarios: readonly Scenario[]): void {
  const spares = new Spares();
  afterAll(() => spares.remove());
  for (const scenario of scenarios) {
    describe(scenario.title, () => {
      test.each(scenario.engines)(
        'loses nothing and delivers nothing after its ack, on the %s engine',
        async (engine) => {
          const row = await play(scenario, engine, 'short', sharedServices(), spares);
          console.info(line(row));
          expect(row.published).toBeGreaterThan(0);
          expect(row, row.details?.join('\n')).toMatchObject({ lost: 0, afterAck: 0 });
        },
        MOST_MS,
      );
    });
  }
}
