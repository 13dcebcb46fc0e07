import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../support/ports.js';
import { Program } from '../support/program.js';
import { tempFolder } from '../support/reaper.js';

const CLUSTER = ['amqplib', 'mysql2', 'ioredis'];
const EMBEDDED = ['@photostructure/sqlite'];
/** What commands take that call a gateway. */
const CLIENT = ['@waybill/sdk'];
/** What a gateway takes. */
const GATEWAY = ['grpc-health-check', 'pino', 'prom-client'];

/** A program in whose install these packages are missing. */
function without(packages: readonly string[], args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Program(['--import', './test/packages/without.mjs', ...args], { ...env, WITHOUT: packages.join(',') });
}

function dataFile(): string {
  const folder = tempFolder('loading');
  onTestFinished(folder.remove);
  return join(folder.path, 'waybill.db');
}

async function serve(packages: readonly string[], settings: Readonly<Record<string, string>>): Promise<Program> {
  const [rpc, http] = await freePorts(2);
  const env = { Host: '127.0.0.1', RpcPort: `${rpc}`, HttpPort: `${http}`, DataFile: dataFile(), ...settings };
  return without(packages, ['server/bin/waybill.js', 'serve'], env);
}

/** Nobody listens on any of them. */
async function clusterNowhere(): Promise<Record<string, string>> {
  const [broker, mysql, redis] = await freePorts(3);
  return {
    AmqpUrl: `amqp://127.0.0.1:${broker}`,
    DB_HOST: '127.0.0.1',
    DB_PORT: `${mysql}`,
    RedisAddr: `127.0.0.1:${redis}`,
  };
}

describe('a gateway', () => {
  test('of the embedded engine loads neither the other engine nor what commands take', async () => {
    const gateway = await serve([...CLUSTER, ...CLIENT], {});
    await gateway.says('Waybill is up (embedded engine');
    gateway.kill('SIGTERM');
    expect(await gateway.exit()).toBe(0);
  });

  test('of the cluster engine loads no SQLite, and nothing of what commands take', async () => {
    const gateway = await serve([...EMBEDDED, ...CLIENT], await clusterNowhere());
    await gateway.says('Waybill is up (cluster engine');
    gateway.kill('SIGTERM');
    expect(await gateway.exit()).toBe(0);
  });

  test.each(CLUSTER)('that cannot load %s for its engine does not start, and says so in words', async (name) => {
    const gateway = await serve([name], await clusterNowhere());
    expect(await gateway.exit()).toBe(1);
    expect(gateway.stderr).toMatch(
      new RegExp(`^waybill is not installed whole: Cannot find package '${name}' imported from [^\\n]+\\n$`),
    );
  });
});

test('the bus inside a process loads no cluster engine', async () => {
  const code = `import { openBus } from 'waybill';
    const bus = await openBus({ file: process.env.FILE });
    console.log((await bus.publish('orders', 'x')).outcome);
    await bus.close();`;
  const program = without(CLUSTER, ['--input-type=module', '-e', code], { FILE: dataFile() });
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toBe('parked\n');
});

test('a command that calls a gateway loads none', async () => {
  const pub = without([...GATEWAY, ...EMBEDDED], ['server/bin/waybill.js', 'pub', '--help']);
  expect(await pub.exit()).toBe(0);
  expect(pub.stdout).toContain('Usage: waybill pub');
});
