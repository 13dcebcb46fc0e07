import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Engine, gatewayGroup } from '../support/gateway.js';
import { Program } from '../support/program.js';

interface Check {
  readonly name: string;
  readonly state: string;
  readonly found: string;
  readonly advice: string;
}

const doctor = async (env: Readonly<Record<string, string>>, ...args: string[]) => {
  const program = new Program(['server/bin/waybill.js', 'doctor', '--json', ...args], {
    WAYBILL_CONFIG: emptyConfig(),
    RpcPort: '0',
    HttpPort: '0',
    ...env,
  });
  const code = await program.exit();
  const { healthy, checks }: { healthy: boolean; checks: Check[] } = JSON.parse(program.stdout);
  return { code, healthy, checks, of: (name: string) => checks.find((check) => check.name.startsWith(name)) };
};

/** So that the checkout's own file has no say. */
function emptyConfig(): string {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, '');
  return file;
}

describe.each<Engine>(['embedded', 'cluster'])('the doctor, on the %s engine', (engine) => {
  test('finds what runs healthy, with versions and clocks', async () => {
    const group = await gatewayGroup(engine);
    const gateway = await group.start();
    const settings = Object.entries(group.space?.settings ?? {}).map(([key, value]) => [key, String(value)]);
    const { code, healthy, checks, of } = await doctor({
      Host: '127.0.0.1',
      ...Object.fromEntries(settings),
      WAYBILL_URL: gateway.rpcUrl,
    });
    expect(checks.filter(({ state }) => state === 'fail')).toEqual([]);
    expect({ code, healthy }).toEqual({ code: 0, healthy: true });
    for (const name of ['node', 'config', 'gateway', 'gateway clock', 'versions']) expect(of(name)?.state).toBe('ok');
    if (engine === 'embedded') return;
    expect(of('mysql')?.found).toMatch(/MariaDB|MySQL/);
    expect(of('rabbitmq')?.found).toMatch(/^RabbitMQ \d/);
    expect(of('redis')?.found).toMatch(/^Redis \d/);
    for (const name of ['mysql clock', 'mysql database', 'redis clock']) expect(of(name)?.state).toBe('ok');
  });
});

test('the doctor says what to do about services that are away', async () => {
  const away = {
    AmqpUrl: 'amqp://user:secret@127.0.0.1:1/',
    DB_HOST: '127.0.0.1',
    DB_PORT: '1',
    RedisAddr: '127.0.0.1:1',
  };
  const { code, healthy, checks, of } = await doctor({ ...away, WAYBILL_URL: '127.0.0.1:1' });
  expect({ code, healthy }).toEqual({ code: 1, healthy: false });
  for (const name of ['rabbitmq', 'mysql', 'redis', 'gateway']) {
    expect(of(name)?.state).toBe('fail');
    expect(of(name)?.advice).toContain('start it');
  }
  expect(JSON.stringify(checks)).not.toContain('secret');
});

test('the doctor tells every problem of the configuration, and needs no gateway where there is none yet', async () => {
  const wrong = await doctor({ PrefetchCount: 'many', QueueType: 'fast' }, '--no-gateway');
  expect(wrong.code).toBe(1);
  expect(wrong.of('config PrefetchCount')?.advice).not.toBe('');
  expect(wrong.of('config QueueType')?.state).toBe('fail');
  const right = await doctor({ DataFile: join(tmpdir(), 'no-such-folder', 'waybill.db') }, '--no-gateway');
  expect(right.of('data file')).toMatchObject({ state: 'fail', advice: expect.stringContaining('make the folder') });
});
