/**
 * Where the tests get a service from. The first that applies:
 *
 *   (a) a URL in the environment          url
 *   (b) a Docker engine that answers      container
 *   (c) the machine's own programs        program
 *   (d) root on Debian: apt-get, then (c) install
 *   (e) nothing: a clear failure, never a silent skip
 */
import type { Machine } from './machine.js';
import { SERVICE_NAMES, type ServiceName } from './service.js';

export type Source =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'container' }
  | { readonly kind: 'program'; readonly path: string }
  | { readonly kind: 'install'; readonly packages: readonly string[] };

export type OwnSource = Exclude<Source, { kind: 'url' }>;

interface Needs {
  readonly title: string;
  readonly variable: string;
  readonly example: string;
  /** All are needed; of each group one. The first group is the server itself. */
  readonly programs: readonly [readonly string[], ...(readonly string[])[]];
  readonly debian: string;
  readonly homebrew: string;
}

export const NEEDS: Readonly<Record<ServiceName, Needs>> = {
  rabbitmq: {
    title: 'RabbitMQ',
    variable: 'WAYBILL_TEST_AMQP_URL',
    example: 'amqp://user:password@host:5672',
    programs: [['rabbitmq-server'], ['epmd']],
    debian: 'rabbitmq-server',
    homebrew: 'rabbitmq',
  },
  mysql: {
    title: 'MySQL or MariaDB',
    variable: 'WAYBILL_TEST_MYSQL_URL',
    example: 'mysql://user:password@host:3306',
    programs: [['mariadbd', 'mysqld']],
    debian: 'mariadb-server',
    homebrew: 'mariadb',
  },
  redis: {
    title: 'Redis',
    variable: 'WAYBILL_TEST_REDIS_URL',
    example: 'redis://host:6379',
    programs: [['redis-server', 'valkey-server']],
    debian: 'redis-server',
    homebrew: 'redis',
  },
};

/** Nothing on this machine gives the services; the message says what is missing and how to get it. */
export class ServicesMissing extends Error {}

/** A source for each of the services that all tests share. */
export async function chooseShared(machine: Machine): Promise<{ name: ServiceName; source: Source }[]> {
  const urlOf = (name: ServiceName) => machine.env[NEEDS[name].variable];
  const given = SERVICE_NAMES.flatMap((name) => {
    const url = urlOf(name);
    return url ? [{ name, source: { kind: 'url', url } as const }] : [];
  });
  const own = await chooseOwn(
    SERVICE_NAMES.filter((name) => !urlOf(name)),
    machine,
  );
  return [...given, ...own];
}

/** A source for services that a test has for itself and may break, so a URL in the environment does not count. */
export async function chooseOwn(
  names: readonly ServiceName[],
  machine: Machine,
): Promise<{ name: ServiceName; source: OwnSource }[]> {
  if (names.length === 0) return [];
  if (await machine.dockerAnswers()) return names.map((name) => ({ name, source: { kind: 'container' } }));
  const missing = names.filter((name) => programOf(name, machine) === undefined);
  if (missing.length > 0 && !(machine.isRoot && machine.isDebian)) throw new ServicesMissing(howToGet(missing));
  return names.map((name) => {
    const path = programOf(name, machine);
    return { name, source: path ? { kind: 'program', path } : { kind: 'install', packages: [NEEDS[name].debian] } };
  });
}

/** The path of the server itself when every program that it needs is installed. */
export function programOf(name: ServiceName, machine: Machine): string | undefined {
  const [server, ...helpers] = NEEDS[name].programs;
  return helpers.every((programs) => machine.find(...programs)) ? machine.find(...server) : undefined;
}

export function howToGet(missing: readonly ServiceName[]): string {
  const needs = missing.map((name) => NEEDS[name]);
  const programs = needs.flatMap((need) => need.programs.map((group) => group.join(' or ')));
  return [
    `The tests need real services, and this machine lacks: ${needs.map((need) => need.title).join(', ')}.`,
    `No Docker engine answers (docker info, docker compose), and these programs are not installed: ${programs.join(', ')}.`,
    'Any one of these helps:',
    '  - start a Docker engine',
    `  - Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${needs.map((need) => need.debian).join(' ')}`,
    `  - macOS:           brew install ${needs.map((need) => need.homebrew).join(' ')}`,
    '  - name running services that the tests may fill and empty:',
    ...needs.map((need) => `      ${need.variable}=${need.example}`),
    'The tests that need no services: npm test -- --project unit',
  ].join('\n');
}
