import { create, toBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { describe, expect, it } from 'vitest';
import { BusError } from '../model/errors.js';
import type { Clock } from '../ports/clock.js';
import { LogJournal } from './journal.js';
import { createLogger } from './logger.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-00`, secret: 'hidden-header' };
const wire = toBinary(
  MessageSchema,
  create(MessageSchema, { topic: 'orders', body: Buffer.from('hidden-body'), headers }),
);
const message = { id: 'm1', topic: 'orders', key: 'hidden-key', acceptedAt: 1, expiresAt: 0, wire };

function journal() {
  const lines: string[] = [];
  const clock: Clock = { now: () => 0, steady: () => 0 };
  const logger = createLogger({ Debug: false, LogFormat: 'json' }, { write: (line) => lines.push(line) });
  return { journal: new LogJournal(logger, clock), lines, fields: () => lines.map((line) => JSON.parse(line)) };
}

const ended = { channel: 0, topic: 'orders', id: 'm1', attempt: 4, consumer: 'worker-1' } as const;

describe('the journal', () => {
  it('says with its id and its trace what became of a message, and nothing of what is in it', () => {
    const { journal: log, fields, lines } = journal();
    log.dead({ ...ended, change: { reason: 'no such order', wire } });
    log.expired({ ...ended, change: { wire } });
    log.parked(message);
    log.refused('orders', 'm1', new BusError('BODY_TOO_LARGE', 'body is too large', { field: 'messages[0].body' }));
    const who = { topic: 'orders', id: 'm1' };
    expect(fields()).toEqual([
      expect.objectContaining({
        ...who,
        level: 'warn',
        reason: 'no such order',
        attempt: 4,
        consumer: 'worker-1',
        traceId: TRACE,
      }),
      expect.objectContaining({ ...who, level: 'info', traceId: TRACE, msg: 'a message expired' }),
      expect.objectContaining({ ...who, level: 'info', traceId: TRACE }),
      expect.objectContaining({ ...who, level: 'info', reason: 'BODY_TOO_LARGE', field: 'messages[0].body' }),
    ]);
    expect(lines.join('')).not.toContain('hidden');
  });

  it('is not flooded by a channel whose messages all die', () => {
    const { journal: log, lines } = journal();
    for (let i = 0; i < 10_000; i++) log.dead({ ...ended, change: { reason: 'no such order' } });
    log.dead({ ...ended, topic: 'mails', change: { reason: 'no such address' } });
    expect(lines).toHaveLength(6);
  });
});
