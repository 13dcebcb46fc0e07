import { expect, onTestFinished, test } from 'vitest';
import { EmbeddedFixture } from '../fixture/embedded.js';
import { AuditPruneWorker } from './audit-prune.js';

test('the audit log keeps what is younger than its retention, and a long backlog goes in parts', async () => {
  const fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  const { auditLog } = fixture.engine;
  const worker = new AuditPruneWorker(auditLog, fixture.clock, 60_000);
  const entry = { actor: 'me', action: 'RunNow', target: 't', count: 1, node: 'n' };
  const began = fixture.clock.now();
  for (let i = 0; i < 510; i++) await auditLog.append({ ...entry, at: began });
  await auditLog.append({ ...entry, at: began + 1 });
  expect(await worker.runOnce()).toBeUndefined();
  fixture.clock.advance(60_001);
  expect(await worker.runOnce()).toBe(0);
  expect(await worker.runOnce()).toBeUndefined();
  const { rows } = await auditLog.list({ after: 0, before: 0 }, { limit: 1_000, from: undefined });
  expect(rows.map(({ at }) => at)).toEqual([began + 1]);
});
