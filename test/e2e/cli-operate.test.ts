import { execFileSync } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { engines } from '../contract/engines.js';
import { useBus } from '../contract/use-bus.js';
import { LockClient } from '../support/lock-client.js';
import { Program, ROOT } from '../support/program.js';
import { until } from '../support/until.js';

describe.each(engines)('the command of an operator, on the $name engine', (engine) => {
  const bus = useBus(engine);
  const start = (...args: string[]) =>
    new Program(['server/bin/waybill.js', ...args], { WAYBILL_URL: bus.gateway().rpcUrl });

  const run = async (...args: string[]) => {
    const program = start(...args).type('');
    const code = await program.exit();
    return { code, out: program.stdout, err: program.stderr };
  };
  const json = async (...args: string[]) => {
    const { code, out, err } = await run(...args, '--json');
    expect(err).toBe('');
    expect(code).toBe(0);
    return JSON.parse(out);
  };

  test('channels are made, listed, paused, resumed, emptied and deleted', async () => {
    const topic = bus.topic('channels');
    expect(await json('channel', 'create', topic, 'mail', '--max-retries', '2', '--retry-delay', '5s')).toMatchObject({
      channel: { topic, name: 'mail', paused: false, retry: { maxRetries: 2 } },
    });
    expect(await json('channel', 'pause', topic, 'mail')).toEqual({ topic, channel: 'mail', paused: true });
    const { channels, more } = await json('channel', 'list', topic);
    expect(channels).toMatchObject([{ topic, name: 'mail', paused: true, consumers: 0 }]);
    expect(more).toBe(false);
    await json('channel', 'resume', topic, 'mail');
    const shown = await run('channel', 'show', topic, 'mail');
    expect(shown.out).toMatch(/state +active/);
    expect(shown.out).toContain('2 times, 5000 ms apart');
    expect(shown.out).not.toContain('\x1b');
    await bus.client().publish([{ topic }, { topic }, { topic }]);

    const refused = await run('channel', 'purge', topic, 'mail');
    expect(refused).toMatchObject({ code: 6, out: '' });
    expect(refused.err).toMatch(/purge .*\/mail: about [1-3] ready, 0 retries.*--yes/);
    // A broker may count what it carries, of which one may carry all three.
    const dry = await json('channel', 'purge', topic, 'mail', '--dry-run');
    expect(dry.dryRun).toBe(true);
    expect(dry.ready).toBeGreaterThanOrEqual(1);
    const full = await run('channel', 'delete', topic, 'mail', '--yes');
    expect(full.code).toBe(1);
    expect(full.err).not.toContain('    at ');
    expect(await json('channel', 'purge', topic, 'mail', '--yes')).toMatchObject({ ready: 3, complete: true });
    expect((await run('channel', 'delete', topic, 'mail')).code).toBe(6);
    expect(await json('channel', 'delete', topic, 'mail', '--yes', '--purge')).toMatchObject({ dryRun: false });
    const gone = await run('channel', 'show', topic, 'mail', '--json');
    expect(gone.code).toBe(3);
    expect(JSON.parse(gone.err)).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });

  test('topics are listed, shown and deleted with what waits for them', async () => {
    const topic = bus.topic('topics');
    await bus.client().makeChannel(topic, 'c');
    await bus.client().publish([{ topic }, { topic, delayMs: 3_600_000 }]);
    expect(await json('topic', 'list', '--prefix', topic)).toMatchObject({
      topics: [{ name: topic, channelCount: 1 }],
    });
    expect((await run('topic', 'show', topic)).out).toMatch(/CHANNEL/);
    const asked = await run('topic', 'delete', topic, '--purge');
    expect(asked.code).toBe(6);
    expect(asked.err).toMatch(/1 channels, about 1 messages purged, about 1 waiting messages cancelled/);
    expect(await json('topic', 'delete', topic, '--purge', '--dry-run')).toMatchObject({ channels: 1, dryRun: true });
    expect(await json('topic', 'delete', topic, '--purge', '--yes')).toMatchObject({ channels: 1, cancelled: 1 });
    expect(await json('topic', 'list', '--prefix', topic)).toEqual({ topics: [], more: false });
    expect((await run('topic', 'show', bus.topic('unheard-of'))).code).toBe(3);
  });

  test('dead letters are listed, shown, counted, redriven and deleted; messages are found with their timeline', async () => {
    const topic = bus.topic('dead');
    const ids = ['one', 'two', 'three'];
    const consumer = await bus.client().subscribe(topic, 'c', { consumer: 'killer' });
    await bus.client().publish(ids.map((id) => ({ topic, id, body: `body of ${id}` })));
    const receipts = (await consumer.take(3)).map(({ receipt }) => receipt);
    await bus.client().reject(receipts, 'no \x1b[31muse');
    await consumer.close();

    const { dead } = await json('dead', 'list', '--topic', topic, '--reason', 'USE');
    expect(dead.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
    const table = await run('dead', 'list', '--topic', topic, '--limit', '2');
    expect(table.out.trim().split('\n')).toHaveLength(3);
    expect(table.out).toContain('no use');
    expect(table.err).toContain('--all');
    expect((await run('dead', 'show', topic, 'one')).out).toContain('body of one');
    const { messages } = await json('message', 'find', '--topic', topic, '--state', 'dead', '--since', '1h');
    expect(messages).toHaveLength(3);
    expect(await json('message', 'show', 'one', '--topic', topic)).toMatchObject({
      message: { body: 'body of one' },
      timelines: [
        { record: { channel: 'c', state: 'dead' }, attempts: [{ number: 1, outcome: 'dead', consumer: 'killer' }] },
      ],
    });
    expect((await run('message', 'show', 'nobody', '--topic', topic)).code).toBe(3);

    expect((await run('dead', 'redrive')).err).toContain('--everything');
    expect(await json('dead', 'redrive', '--topic', topic, '--dry-run')).toEqual({
      count: 3,
      complete: true,
      dryRun: true,
    });
    const refused = await run('dead', 'delete', '--topic', topic);
    expect(refused.code).toBe(6);
    expect(refused.err).toContain('delete 3 dead letters');
    const one = ['--topic', topic, '--id', 'one', '--yes'];
    expect(await json('dead', 'redrive', ...one, '--rate', '100')).toEqual({ count: 1, complete: true, dryRun: false });
    const next = await bus.client().pull(topic, 'c');
    expect(next.map(({ id }) => id)).toEqual(['one']);
    expect(await json('dead', 'delete', '--topic', topic, '--yes')).toEqual({
      count: 2,
      complete: true,
      dryRun: false,
    });
    expect((await run('dead', 'list', '--topic', topic)).err).toContain('no such dead letters');
    const { entries } = await json('audit', '--since', '10m');
    expect(entries.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['Redrive', 'DeleteDead']),
    );
  });

  test('what waits is listed, moved, cancelled and run', async () => {
    const topic = bus.topic('later');
    await bus.client().makeChannel(topic, 'c');
    await bus.client().publish(['a', 'b'].map((id) => ({ topic, id, delayMs: 3_600_000 })));
    const { scheduled } = await json('schedule', 'list', '--topic', topic);
    expect(scheduled).toMatchObject([{ state: 'delayed' }, { state: 'delayed' }]);
    const { dueTimeMs } = await json('schedule', 'move', topic, 'a', '--at', '2031-05-01T12:00:00Z');
    expect(dueTimeMs).toBe(Date.parse('2031-05-01T12:00:00Z'));
    expect((await run('schedule', 'move', topic, 'a')).err).toContain('--delay or --at');
    expect((await run('schedule', 'cancel', topic, 'a')).code).toBe(6);
    expect(await json('schedule', 'cancel', topic, 'a', '--yes')).toEqual({ topic, id: 'a', cancelled: true });
    expect((await run('schedule', 'cancel', topic, 'a', '--yes')).code).not.toBe(0);
    await json('schedule', 'run', topic, 'b');
    expect((await bus.client().pull(topic, 'c')).map(({ id }) => id)).toEqual(['b']);
  });

  test('a dead letter is edited and redriven, and found by its key', async () => {
    const topic = bus.topic('edited');
    const consumer = await bus.client().subscribe(topic, 'c');
    await bus.client().publishOne({ topic, id: 'm', key: `key-${topic}`, body: 'wrong', headers: { a: '1' } });
    await bus.client().reject([(await consumer.next()).receipt], 'no use');
    await consumer.close();
    const own = ['dead', 'edit', topic, 'm', '--channel', 'c'];
    expect((await run(...own)).err).toContain('--body');
    expect((await run(...own, '--body', 'x', '--body-file', 'y')).err).toContain('one of them');
    expect(await run(...own, '--body', 'right')).toMatchObject({ code: 6 });
    const changes = ['--body', 'right', '-H', 'b=2', '--remove-header', 'a', '--yes'];
    expect(await json(...own, ...changes)).toMatchObject({ id: 'm', bodyBytes: 5, channel: 'c' });
    const typed = start(...own, '--body-file', '-', '--yes').type('from a pipe');
    expect(await typed.exit()).toBe(0);
    expect(typed.stdout).toContain('a body of 11 bytes');
    const shown = await json('dead', 'show', topic, 'm', '--channel', 'c');
    expect(shown).toMatchObject({ message: { body: 'from a pipe', headers: { b: '2' } }, bodyBytes: 11 });
    expect(shown.timelines[0].attempts[0].node).not.toBe('');
    const { messages } = await json('message', 'find', '--key', `key-${topic}`);
    expect(messages).toMatchObject([{ id: 'm', state: 'dead', key: `key-${topic}` }]);
    expect((await run('message', 'find', '--header', 'x=1')).err).toContain('SearchHeaders');
    const table = await run('message', 'show', 'm', '--topic', topic);
    expect(table.out).toMatch(/TOOK +CONSUMER +NODE/);
    expect(await json('dead', 'redrive', '--topic', topic, '--yes', '--drop-ttl')).toMatchObject({ count: 1 });
    expect((await bus.client().pull(topic, 'c')).map(({ body }) => body.toString())).toEqual(['from a pipe']);
  });

  test('cron entries are made, listed, changed, paused, run and deleted', async () => {
    const name = bus.topic('cron');
    const made = await json(
      'cron',
      'create',
      name,
      name,
      '0 9 * * 1-5',
      'report',
      '--zone',
      'Asia/Tokyo',
      '--key',
      'k',
    );
    expect(made).toMatchObject({ name, topic: name, timeZone: 'Asia/Tokyo', body: 'report', missed: 'run_once' });
    expect(new Date(made.nextTimeMs).toISOString()).toContain('T00:00:00');
    expect((await run('cron', 'create', name, name, '@daily')).err).toContain('already');
    expect(await json('cron', 'pause', name)).toMatchObject({ paused: true, nextTimeMs: 0 });
    expect((await run('cron', 'list', '--prefix', name)).out).toMatch(/paused/);
    expect(await json('cron', 'resume', name)).toMatchObject({ paused: false });
    const changed = await json('cron', 'update', name, name, '*/5 * * * *', '-H', 'h=v', '--missed', 'skip');
    expect(changed).toMatchObject({ body: '', headers: { h: 'v' }, missed: 'skip', timeZone: 'UTC' });
    expect((await run('cron', 'show', name)).out).toMatch(/missed +skip/);
    await bus.client().makeChannel(name, 'c');
    const { id } = await json('cron', 'run', name);
    expect((await bus.client().pull(name, 'c')).map((message) => message.id)).toEqual([id]);
    const { timesMs } = await json('cron', 'preview', '0 12 1 1 *', '--from', '2030-06-01', '--count', '2');
    expect(timesMs).toEqual([Date.parse('2031-01-01T12:00:00Z'), Date.parse('2032-01-01T12:00:00Z')]);
    expect((await run('cron', 'preview', '61 * * * *')).err).toContain('minute');
    expect((await run('cron', 'delete', name)).code).toBe(6);
    expect(await json('cron', 'delete', name, '--yes')).toEqual({ name, deleted: true });
    expect((await run('cron', 'show', name)).code).toBe(3);
  });

  test('locks are listed and ended, and connections are shown', async () => {
    const name = bus.topic('lock');
    const client = new LockClient(bus.gateway().rpcUrl);
    onTestFinished(() => client.close());
    await client.acquire(name, 600_000);
    await until(async () => {
      const { locks } = await json('locks', '--prefix', name);
      expect(locks).toMatchObject([{ name, holder: expect.stringContaining('127.0.0.1') }]);
    }, 10_000);
    expect((await run('locks', 'list', '--prefix', name)).out).toContain(name);
    expect((await run('locks', 'release', name)).code).toBe(6);
    expect(await json('locks', 'release', name, '--yes')).toEqual({ name, released: true });
    expect((await run('locks', 'release', name, '--yes')).code).toBe(3);
    const { connections } = await json('connections');
    expect(connections.length).toBeGreaterThan(0);
    expect((await run('connections')).out).toMatch(/PEER/);
  });

  test('tail shows copies on a channel that is gone afterwards', async () => {
    const topic = bus.topic('tail');
    await bus.client().publishOne({ topic, body: 'parked' });
    const parked = await run('tail', topic);
    expect(parked.code).toBe(1);
    expect(parked.err).toContain('--take-parked');
    await bus.client().makeChannel(topic, 'own');
    const existing = await run('tail', topic, 'own');
    expect(existing.code).toBe(1);
    expect(existing.err).toContain('waybill sub');
    const tail = start('tail', topic, '--count', '1', '--json');
    await tail.says('listening');
    expect(tail.stderr).toContain('gets a copy of every message until this ends');
    await bus.client().publishOne({ topic, id: 'seen', body: 'hello' });
    expect(await tail.exit()).toBe(0);
    expect(JSON.parse(tail.stdout)).toMatchObject({ id: 'seen', topic, body: 'hello' });
    const { channels } = await json('channel', 'list', topic);
    expect(channels.map(({ name }: { name: string }) => name)).toEqual(['own']);
    expect((await bus.client().pull(topic, 'own')).length).toBeGreaterThan(0);
    const interrupted = start('tail', topic, 'mine');
    await interrupted.says('listening');
    interrupted.kill('SIGINT');
    expect(await interrupted.exit()).toBe(0);
    expect((await run('channel', 'show', topic, 'mine')).code).toBe(3);
  });

  test('gateways and figures are shown, once or again and again', async () => {
    expect(await json('nodes')).toMatchObject({ nodes: [{ engine: engine.name, draining: false }], more: false });
    expect(await json('stats')).toMatchObject({ nodes: 1 });
    expect((await run('stats')).out).toContain('published');
    const watch = start('stats', '--watch', '250ms', '--json');
    await until(async () => {
      if (watch.stdout.trim().split('\n').length < 2) throw new Error('one line only');
    }, 10_000);
    watch.kill('SIGINT');
    expect(await watch.exit()).toBe(0);
    for (const line of watch.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('rates');
  });
});

test('completion knows every command and its options', () => {
  const script = `source <(${process.execPath} server/bin/waybill.js completion bash)
    complete_at() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _waybill; echo "\${COMPREPLY[*]}"; }
    complete_at waybill top; complete_at waybill dead re; complete_at waybill channel purge orders --dr`;
  const out = execFileSync('bash', ['-c', script], { cwd: ROOT, encoding: 'utf8' });
  expect(out).toBe('topic\nredrive\n--dry-run\n');
});

test('a gateway that is away is told in words, with an exit code of its own', async () => {
  const program = new Program(['server/bin/waybill.js', 'nodes', '--url', '127.0.0.1:1', '--json']);
  expect(await program.exit()).toBe(4);
  expect(JSON.parse(program.stderr)).toMatchObject({ error: { code: 'UNAVAILABLE' } });
});
