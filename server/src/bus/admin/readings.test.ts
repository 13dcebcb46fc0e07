import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmbeddedFixture } from '../../fixture/embedded.js';
import type { Backlogs } from '../../ports/backlogs.js';
import { silentLogger } from '../../ports/logger.js';
import { Depths } from './depths.js';
import { Nodes } from './nodes.js';
import { DepthReadings } from './readings.js';

let fixture: EmbeddedFixture;
beforeEach(async () => {
  fixture = await EmbeddedFixture.create();
});
afterEach(() => fixture.remove());

/** `counts` can be made to fail, or to wait for ever. */
function readings() {
  const { clock, engine } = fixture;
  const state: { fault: 'none' | 'away' | 'frozen'; asked: number } = { fault: 'none', asked: 0 };
  const backlogs: Backlogs = Object.create(engine.backlogs, {
    counts: {
      value: () => {
        state.asked++;
        if (state.fault === 'away') return Promise.reject(new Error('away'));
        return state.fault === 'frozen' ? new Promise(() => {}) : engine.backlogs.counts();
      },
    },
  });
  const bus = fixture.bus();
  const shared = { bus, clock, logger: silentLogger, queues: engine.queues, backlogs };
  const facts = { name: 'one', version: '0', engine: 'embedded' };
  const nodes = new Nodes({ ...shared, board: engine.nodes, facts, shards: () => [], callers: () => [] });
  const read = (most = 10) => new DepthReadings({ ...shared, nodes, depths: new Depths(shared) }).read(most, 1_000);
  return { bus, state, read, reader: new DepthReadings({ ...shared, nodes, depths: new Depths(shared) }) };
}

it('are taken anew after five seconds, however often they are asked for', async () => {
  const { reader, state } = readings();
  for (let i = 0; i < 5; i++) await reader.read(10, 1_000);
  expect(state.asked).toBe(1);
  fixture.clock.advance(5_000);
  expect((await reader.read(10, 1_000)).ageMs).toBe(0);
  expect(state.asked).toBe(2);
});

it('with the ledger away are the last ones, with their age, and after a minute none', async () => {
  const { reader, state } = readings();
  expect((await reader.read(10, 1_000)).reading).toMatchObject({ parked: 0, ageMs: 0 });
  state.fault = 'away';
  fixture.clock.advance(60_000);
  expect(await reader.read(10, 1_000)).toMatchObject({ ageMs: 60_000, reading: { parked: 0, ageMs: 60_000 } });
  fixture.clock.advance(1);
  expect(await reader.read(10, 1_000)).toEqual({ ageMs: 60_001, reading: undefined });
  state.fault = 'none';
  expect((await reader.read(10, 1_000)).reading).toMatchObject({ ageMs: 0 });
});

it('with the ledger frozen do not keep the asker, and wait for one answer only', async () => {
  const { reader, state } = readings();
  state.fault = 'frozen';
  for (let i = 0; i < 3; i++) expect((await reader.read(10, 5)).reading).toBeUndefined();
  expect(state.asked).toBe(1);
});

it('tell of so many channels one by one, and of the others together', async () => {
  const { bus, read } = readings();
  for (const topic of ['a', 'b', 'c']) await bus.channels.open(topic, 'mail', undefined);
  const { reading } = await read(2);
  expect(reading?.channels.map(({ channel }) => channel.topic)).toEqual(['a', 'b']);
  expect(reading?.others).toEqual({ ready: 0, scheduled: 0, dead: 0 });
});
