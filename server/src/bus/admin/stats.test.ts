import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmbeddedFixture } from '../../fixture/embedded.js';
import { BusError } from '../../model/errors.js';
import type { Backlogs } from '../../ports/backlogs.js';
import { silentLogger } from '../../ports/logger.js';
import { Depths } from './depths.js';
import { Nodes } from './nodes.js';
import { Stats } from './stats.js';

let fixture: EmbeddedFixture;
beforeEach(async () => {
  fixture = await EmbeddedFixture.create();
});
afterEach(() => fixture.remove());

it('with the ledger away tell rates all the same: without depths until there were any, then with the last and their time', async () => {
  const { clock, engine } = fixture;
  let away = true;
  const counts = async () => {
    if (away) throw new BusError('LEDGER_UNAVAILABLE', 'away');
    return engine.backlogs.counts();
  };
  const backlogs: Backlogs = Object.create(engine.backlogs, { counts: { value: counts } });
  const shared = { bus: fixture.bus(), clock, logger: silentLogger, queues: engine.queues, backlogs };
  const facts = { name: 'one', version: '0', engine: 'embedded' };
  const nodes = new Nodes({ ...shared, board: engine.nodes, facts, shards: () => [], callers: () => [] });
  const stats = new Stats({ ...shared, nodes, depths: new Depths(shared) });
  expect(await stats.of('')).toMatchObject({ at: clock.now(), nodes: 1, depths: undefined });
  away = false;
  const taken = clock.now();
  expect((await stats.of(''))?.depths).toMatchObject({ at: taken, parked: 0 });
  away = true;
  clock.advance(60_000);
  expect(await stats.of('')).toMatchObject({ at: taken + 60_000, depths: { at: taken, parked: 0 } });
});
