import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../reaper.js';
import { chooseOwn, chooseShared, ServicesMissing } from './choose.js';
import { ensureDebianPackages } from './debian.js';
import { findIn, type Machine } from './machine.js';

const EVERYTHING = ['rabbitmq-server', 'epmd', 'mariadbd', 'redis-server'];

function machine(facts: Partial<Machine> & { docker?: boolean; programs?: readonly string[] } = {}): Machine {
  const { docker = false, programs = [], ...rest } = facts;
  return {
    env: {},
    isRoot: false,
    isDebian: true,
    dockerAnswers: async () => docker,
    find: (...names) => names.filter((name) => programs.includes(name)).map((name) => `/somewhere/${name}`)[0],
    ...rest,
  };
}

const kinds = (choices: readonly { name: string; source: { kind: string } }[]) =>
  Object.fromEntries(choices.map(({ name, source }) => [name, source.kind]));

test('a URL in the environment comes before everything, each service on its own', async () => {
  const env = { WAYBILL_TEST_MYSQL_URL: 'mysql://root@db:3306' };
  const choices = await chooseShared(machine({ env, docker: true }));
  expect(kinds(choices)).toEqual({ rabbitmq: 'container', mysql: 'url', redis: 'container' });
});

test('nothing is looked for when all URLs are given', async () => {
  const env = {
    WAYBILL_TEST_AMQP_URL: 'amqp://broker',
    WAYBILL_TEST_MYSQL_URL: 'mysql://db',
    WAYBILL_TEST_REDIS_URL: 'redis://cache',
  };
  const dockerAnswers = () => Promise.reject(new Error('asked'));
  expect(kinds(await chooseShared(machine({ env, dockerAnswers })))).toEqual({
    rabbitmq: 'url',
    mysql: 'url',
    redis: 'url',
  });
});

test('a Docker engine comes before installed programs', async () => {
  const choices = await chooseShared(machine({ docker: true, programs: EVERYTHING }));
  expect(kinds(choices)).toEqual({ rabbitmq: 'container', mysql: 'container', redis: 'container' });
});

test('installed programs come before installing', async () => {
  const choices = await chooseShared(machine({ isRoot: true, programs: EVERYTHING }));
  expect(kinds(choices)).toEqual({ rabbitmq: 'program', mysql: 'program', redis: 'program' });
});

test('root on Debian installs only what is missing', async () => {
  const choices = await chooseShared(machine({ isRoot: true, programs: ['redis-server'] }));
  expect(kinds(choices)).toEqual({ rabbitmq: 'install', mysql: 'install', redis: 'program' });
});

test('a broker without its epmd counts as missing', async () => {
  const programs = EVERYTHING.filter((name) => name !== 'epmd');
  await expect(chooseShared(machine({ programs }))).rejects.toThrow('rabbitmq-server, epmd');
});

test.each([
  ['a user who is not root', { isRoot: false, isDebian: true }],
  ['a system without apt-get', { isRoot: true, isDebian: false }],
])('%s is told what is missing and how to get it', async (_who, facts) => {
  const failure = chooseShared(machine({ ...facts, programs: ['mariadbd'] }));
  await expect(failure).rejects.toThrow(ServicesMissing);
  await expect(failure).rejects.toThrow('this machine lacks: RabbitMQ, Redis.');
  await expect(failure).rejects.toThrow('sudo apt-get install --no-install-recommends rabbitmq-server redis-server');
  await expect(failure).rejects.toThrow('WAYBILL_TEST_REDIS_URL=redis://host:6379');
});

test('a service of a test’s own never is the one of the environment', async () => {
  const env = { WAYBILL_TEST_REDIS_URL: 'redis://cache' };
  expect(kinds(await chooseOwn(['redis'], machine({ env, programs: EVERYTHING })))).toEqual({ redis: 'program' });
});

test('programs are looked for in the folders in their order, and must be executable', () => {
  const folder = tempFolder('find');
  onTestFinished(() => folder.remove());
  const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')];
  for (const path of [first, second]) {
    mkdirSync(path);
    writeFileSync(join(path, 'server'), '');
  }
  expect(findIn([first, second], ['server'])).toBeUndefined();
  chmodSync(join(second, 'server'), 0o755);
  expect(findIn([first, second], ['other', 'server'])).toBe(join(second, 'server'));
  expect(findIn([], ['server'])).toBeUndefined();
});

test('packages that are missing and cannot be installed are named, with what to type', async () => {
  const packages = ['no-such-package-of-waybill'];
  await expect(ensureDebianPackages(packages, machine())).rejects.toThrow(
    'sudo apt-get install --no-install-recommends no-such-package-of-waybill',
  );
  await expect(ensureDebianPackages(packages, machine({ isDebian: false }))).rejects.toThrow('no apt-get here');
});
