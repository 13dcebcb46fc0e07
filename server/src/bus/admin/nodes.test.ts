import { expect, onTestFinished, test, vi } from 'vitest';
import { EmbeddedFixture } from '../../fixture/embedded.js';
import { silentLogger } from '../../ports/logger.js';
import { Nodes } from './nodes.js';

test('a gateway goes on to tell of itself when the wall clock is set back', async () => {
  const fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const board = fixture.engine.nodes;
  const posted: number[] = [];
  const nodes = new Nodes({
    bus: fixture.bus(),
    board: {
      post: async (sheet) => {
        posted.push(sheet.seenAt);
      },
      list: () => board.list(),
      withdraw: (name) => board.withdraw(name),
    },
    facts: { name: 'one', version: '0', engine: 'embedded' },
    shards: () => [],
    callers: () => [],
    clock: fixture.clock,
    logger: silentLogger,
  });
  await nodes.start();
  fixture.clock.jump(-3_600_000);
  for (let second = 0; second < 4; second++) {
    fixture.clock.advance(1_000);
    vi.advanceTimersByTime(1_000);
  }
  await nodes.stop();
  expect(posted).toHaveLength(3);
});
