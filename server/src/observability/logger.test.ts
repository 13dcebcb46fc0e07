import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger, logTo } from './logger.js';

function logged(config: { Debug?: boolean; LogFormat?: 'json' | 'text' } = {}) {
  const lines: string[] = [];
  const logger = createLogger({ Debug: false, LogFormat: 'json', ...config }, { write: (line) => lines.push(line) });
  return { logger, lines };
}

describe('the level', () => {
  it('is info, and debug with Debug', () => {
    for (const Debug of [false, true]) {
      const { logger, lines } = logged({ Debug });
      logger.debug({}, 'details');
      logger.info({}, 'started');
      logger.warn({}, 'slow');
      logger.error({}, 'failed');
      const levels = lines.map((line) => JSON.parse(line).level);
      expect(levels).toEqual([...(Debug ? ['debug'] : []), 'info', 'warn', 'error']);
    }
  });
});

describe('a line of JSON', () => {
  it('has time, level, fields and words', () => {
    const { logger, lines } = logged();
    logger.info({ topic: 'orders', count: 3 }, 'two\nlines');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pid: process.pid,
      topic: 'orders',
      count: 3,
      msg: 'two\nlines',
    });
  });

  it('has the type, message, cause and stack of an error, as err or error', () => {
    const { logger, lines } = logged();
    const failure = new TypeError('no route', { cause: new Error('socket closed') });
    logger.error({ err: failure }, 'failed');
    logger.error({ error: failure }, 'failed');
    for (const [at, name] of ['err', 'error'].entries()) {
      const { [name]: written } = JSON.parse(lines[at] ?? '');
      expect(written).toMatchObject({ type: 'TypeError', message: 'no route: socket closed' });
      expect(written.stack).toContain('caused by: Error: socket closed');
    }
  });

  it('survives fields that JSON cannot hold', () => {
    const { logger, lines } = logged();
    const loop: Record<string, unknown> = { big: 10n };
    loop.self = loop;
    logger.info({ loop }, 'odd');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'odd' });
  });
});

describe.each(['json', 'text'] as const)('secrets in a %s log', (LogFormat) => {
  it('are masked in fields, in settings, in URLs and in the errors of drivers', () => {
    const { logger, lines } = logged({ LogFormat });
    const redis = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['hunter2'] } });
    const mysql = Object.assign(new Error('deadlock'), { sql: "INSERT INTO messages VALUES ('hunter2')" });
    const rabbit = new Error('connect amqp://guest:hunter2@rabbit:5672/ refused', {
      cause: new Error('amqps://u:hun@hunter2@rabbit/'),
    });
    logger.info({ password: 'hunter2', config: { DB_PASSWORD: 'hunter2', RedisPassword: 'hunter2' } }, 'start');
    logger.info({ url: 'amqp://:hunter2@h, redis://u:hunter2@h' }, 'redis://u:hunter2@h and http://h:80/@x');
    for (const err of [redis, mysql, rabbit]) logger.error({ err }, 'failed');
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('amqp://guest:******@rabbit:5672/ refused');
    expect(lines[1]).toContain('http://h:80/@x');
  });
});

describe('a line of text', () => {
  it('reads time, level, words, fields', () => {
    const { logger, lines } = logged({ LogFormat: 'text' });
    logger.warn({ topic: 'orders', count: 3, peer: 'a b', empty: '', list: [1], gone: null }, 'consumer went away');
    expect(lines[0]).toMatch(
      /^\S+Z WARN {2}consumer went away topic=orders count=3 peer="a b" empty="" list=\[1\] gone=null\n$/,
    );
  });

  it('stays one line and cannot drive the terminal, whatever it holds', () => {
    const { logger, lines } = logged({ LogFormat: 'text' });
    logger.info({ body: 'x\ny', escape: '\u001b[2J', next: '\u009b2J' }, 'a\nb\r\u001b[31m');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}](?!$)/u);
    expect(lines[0]).toContain('a\\u000ab\\u000d\\u001b[31m');
  });
});

it.runIf(existsSync('/dev/full'))('a log on a full disk takes no more than its bound, and ends nothing', () => {
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const logger = createLogger({ Debug: false, LogFormat: 'json' }, logTo(full));
  for (let i = 0; i < 5_000; i++) logger.error({ i, text: 'x'.repeat(1_000) }, 'the data file cannot be used');
});
