import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { engine } from '../../server/src/config/engine.js';
import { load } from '../../server/src/config/load.js';
import { isKey, KEYS } from '../../server/src/config/schema.js';

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly build?: { readonly context: string };
  readonly restart: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[]; readonly interval: string; readonly retries: number };
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Readonly<Record<'gateway' | 'rabbitmq' | 'mysql' | 'redis' | 'prometheus' | 'grafana', Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const FOLDER = fileURLToPath(new URL('../../deploy/', import.meta.url));
const { services, volumes }: Compose = parse(withDefaults(readFileSync(`${FOLDER}compose.yaml`, 'utf8')));
const { gateway, prometheus, grafana, ...others } = services;

/** `${NAME:-value}` as compose reads it when NAME is not set; `$$` stays for the shell of the container. */
function withDefaults(text: string): string {
  return text.replaceAll(/(?<!\$)\$\{\w+:-([^}]*)\}/g, '$1');
}

describe('every service', () => {
  it.each(Object.entries(services))('%s has a pinned image, comes back by itself and keeps its data', (_, service) => {
    expect(service.image).toMatch(/^[a-z/]+:v?\d+\.[\w.-]+$/);
    expect(service.restart).toBe('unless-stopped');
    const named = (service.volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((name) => !name.startsWith('.'));
    expect(named).toHaveLength(1);
    for (const name of named) expect(volumes).toHaveProperty(name);
  });

  it.each(Object.entries(others))('%s has a health check and is not reachable from outside', (_, service) => {
    expect(['CMD', 'CMD-SHELL']).toContain(service.healthcheck?.test[0]);
    expect(service.healthcheck?.retries).toBeGreaterThan(1);
    expect(service.ports).toBeUndefined();
  });
});

describe('the gateway', () => {
  const { config, notes } = load({ env: gateway.environment, defaultFiles: [] });

  it('is set by valid keys of the configuration alone, as a cluster', () => {
    expect(Object.keys(gateway.environment).filter((name) => !isKey(name))).toEqual([]);
    expect(engine(config)).toBe('cluster');
    expect(notes).toEqual([]);
  });

  it('reaches the services by their names, with their logins', () => {
    const amqp = new URL(config.AmqpUrl);
    const { rabbitmq, mysql, redis } = others;
    expect(amqp.hostname).toBe('rabbitmq');
    expect(rabbitmq.environment).toEqual({
      RABBITMQ_DEFAULT_USER: amqp.username,
      RABBITMQ_DEFAULT_PASS: amqp.password,
    });
    expect(config.DB_HOST).toBe('mysql');
    expect(mysql.environment).toMatchObject({
      MYSQL_DATABASE: config.DB_DATABASE,
      MYSQL_USER: config.DB_USERNAME,
      MYSQL_PASSWORD: config.DB_PASSWORD,
    });
    expect(config.RedisAddr).toBe('redis:6379');
    expect(redis.environment.REDISCLI_AUTH).toBe(config.RedisPassword);
    expect(redis).toHaveProperty('command', expect.arrayContaining(['--requirepass', config.RedisPassword]));
  });

  it('waits until every service is healthy', () => {
    const conditions = Object.fromEntries(Object.keys(others).map((name) => [name, { condition: 'service_healthy' }]));
    expect(gateway.depends_on).toEqual(conditions);
  });

  it('is built from this repository, and reads its config.yaml', () => {
    expect(existsSync(`${FOLDER}${gateway.build?.context}/Dockerfile`)).toBe(true);
    const mount = gateway.volumes?.find((volume) => volume.includes('config.yaml')) ?? '';
    expect(mount).toBe('../config.yaml:/config.yaml:ro');
    expect(existsSync(`${FOLDER}${mount.split(':')[0]}`)).toBe(true);
    const both = load({ file: `${FOLDER}${mount.split(':')[0]}`, env: gateway.environment }).config;
    for (const key of KEYS) expect(both[key]).toBe(config[key]);
  });

  it('opens its ports on this machine alone', () => {
    expect(gateway.ports).toEqual([config.RpcPort, config.HttpPort].map((port) => `127.0.0.1:${port}:${port}`));
  });

  it('has a read-only root, and longer to stop than consumers have to settle', () => {
    expect(gateway.read_only).toBe(true);
    expect(Number.parseInt(gateway.stop_grace_period ?? '', 10)).toBeGreaterThan(config.DrainSeconds);
  });
});

describe('what observes it', () => {
  it.each(Object.entries({ prometheus, grafana }))(
    '%s starts only when it is asked for, and is reached from this machine alone',
    (_, service) => {
      expect(service.profiles).toEqual(['observe']);
      expect(service.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:(\d+):\1$/)]);
      expect(service.healthcheck?.retries).toBeGreaterThan(1);
      const mounted = (service.volumes ?? [])
        .map((volume) => volume.split(':')[0] ?? '')
        .filter((path) => path.startsWith('.'));
      expect(mounted.length).toBeGreaterThan(0);
      for (const path of mounted) expect(existsSync(`${FOLDER}${path}`)).toBe(true);
    },
  );

  it('finds the gateway by the name and port that it has here', () => {
    const { scrape_configs: jobs } = parse(readFileSync(`${FOLDER}prometheus/prometheus.yaml`, 'utf8'));
    const { config } = load({ env: gateway.environment, defaultFiles: [] });
    expect(jobs).toEqual([{ job_name: 'waybill', static_configs: [{ targets: [`gateway:${config.HttpPort}`] }] }]);
  });
});
