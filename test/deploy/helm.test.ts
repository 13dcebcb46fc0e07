import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../server/src/config/load.js';
import { isKey } from '../../server/src/config/schema.js';
import { ROOT } from '../compat/tools.js';
import { tempFolder } from '../support/reaper.js';
import { CHART, Chart, laidOver, type Manifest, type Values } from './helm/chart.js';

const SECRETS = {
  secrets: { values: { AmqpUrl: 'amqp://u:p@rabbitmq/', DB_PASSWORD: 'd', RedisPassword: 'r' } },
  tokens: { existingSecret: 'tokens' },
};
const EVERYTHING: Values = {
  ...SECRETS,
  fullnameOverride: '',
  imagePullSecrets: [{ name: 'pull' }],
  extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' }],
  config: { MaxHeldBytes: 134_217_728, Debug: true, DrainSeconds: 100, LogFormat: 'json' },
  autoscaling: { enabled: true },
  networkPolicy: { enabled: true, rpcFrom: [{ namespaceSelector: {} }] },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, tokenSecret: { name: 'scrape' } },
  tls: { existingSecret: 'certificate', clientCa: true },
  service: { annotations: { a: 'b' } },
  serviceAccount: { annotations: { a: 'b' } },
  podLabels: { team: 'one' },
  podAnnotations: { note: 'x: y' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'k', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'high',
};

let chart: Chart;
let validate: ValidateFunction;
beforeAll(async () => {
  chart = await Chart.prepare();
  validate = new Ajv({ allErrors: true, strict: true, strictRequired: false, strictTypes: false }).compile(
    JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')),
  );
}, 900_000);
afterAll(() => chart?.remove());

const kindsOf = (manifests: readonly Manifest[]) => manifests.map(({ kind }) => kind).sort();

function one(manifests: readonly Manifest[], kind: string): Manifest {
  return manifests.find((manifest) => manifest.kind === kind) ?? expect.fail(`no ${kind}`);
}

describe('the values', () => {
  it('that the chart has stand its schema, and so do all that it knows', () => {
    for (const values of [{}, EVERYTHING]) {
      validate(laidOver(chart.defaults, values));
      expect(validate.errors).toBeNull();
    }
  });

  it.each<[string, Values]>([
    ['a key that the chart does not have', { replicas: 3 }],
    ['a port that is none', { service: { rpcPort: 70_000 } }],
    ['a secret among the plain keys', { config: { DB_PASSWORD: 'x' } }],
    ['a port of the container, which the probes know', { config: { RpcPort: 1 } }],
    ['a config value that is a list', { config: { Debug: [] } }],
    ['another readiness path', { readinessPath: '/' }],
    ['a file that comes by a Secret', { config: { Tokens: '/x' } }],
    ['a typing error below', { networkPolicy: { enable: true } }],
  ])('are refused with %s', (_, values) => {
    expect(validate(laidOver(chart.defaults, values))).toBe(false);
  });
});

describe('the chart', () => {
  it('makes what it says, and no more than is asked for', async () => {
    const plain = ['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Secret', 'Service', 'Service', 'ServiceAccount'];
    expect(kindsOf(await chart.manifests(SECRETS))).toEqual(plain);
    const more = ['HorizontalPodAutoscaler', 'NetworkPolicy', 'ServiceMonitor'];
    expect(kindsOf(await chart.manifests(EVERYTHING))).toEqual([...plain, ...more].sort());
    const less = {
      ...SECRETS,
      secrets: { existingSecret: 'mine' },
      podDisruptionBudget: { enabled: false },
      service: { headless: false },
      serviceAccount: { create: false },
    };
    expect(kindsOf(await chart.manifests(less))).toEqual(['ConfigMap', 'Deployment', 'Service']);
  });

  it('refuses to install gateways that would each be a bus of their own', async () => {
    await expect(chart.manifests({ ...SECRETS, secrets: {} })).rejects.toThrow(
      'set secrets.existingSecret, or secrets.values.AmqpUrl',
    );
  });

  it('refuses to install gateways that would serve everybody, unless it is told to', async () => {
    const { secrets } = SECRETS;
    await expect(chart.manifests({ secrets })).rejects.toThrow('nobody would be asked who they are');
    await expect(chart.manifests({ secrets, tls: { clientCa: true } })).rejects.toThrow('tls.clientCa takes');
    const ways: Values[] = [
      { tokens: { existingSecret: 'tokens' } },
      { tls: { existingSecret: 'certificate', clientCa: true } },
      { config: { JwtJwksUrl: 'https://issuer.example/keys' } },
      { config: { AllowInsecure: true } },
    ];
    for (const way of ways) expect(await chart.manifests({ secrets, ...way })).not.toEqual([]);
  });

  it('names and labels everything alike, within the 63 characters that there are', async () => {
    for (const fullnameOverride of ['', 'x'.repeat(53)]) {
      for (const { metadata, apiVersion } of await chart.manifests({ ...EVERYTHING, fullnameOverride })) {
        expect(apiVersion).toMatch(/^([a-z0-9.]+\/)?v\d$/);
        expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        expect(metadata.labels).toMatchObject({
          'app.kubernetes.io/name': 'waybill',
          'app.kubernetes.io/instance': 'bus',
        });
        for (const label of Object.values(metadata.labels)) expect(label.length).toBeLessThan(64);
      }
    }
  });

  it('selects its own pods with everything that selects', async () => {
    const manifests = await chart.manifests(EVERYTHING);
    const selector = { 'app.kubernetes.io/name': 'waybill', 'app.kubernetes.io/instance': 'bus' };
    const { spec } = one(manifests, 'Deployment');
    expect(spec).toMatchObject({
      selector: { matchLabels: selector },
      template: { metadata: { labels: { ...selector, team: 'one' } } },
    });
    for (const service of manifests.filter(({ kind }) => kind === 'Service'))
      expect(service.spec.selector).toEqual(selector);
    expect(one(manifests, 'PodDisruptionBudget').spec.selector).toEqual({ matchLabels: selector });
    expect(one(manifests, 'NetworkPolicy').spec.podSelector).toEqual({ matchLabels: selector });
    expect(one(manifests, 'ServiceMonitor').spec.selector).toEqual({ matchLabels: selector });
  });

  it('gives the gateway a configuration that it takes, as it was written', async () => {
    const manifests = await chart.manifests(EVERYTHING);
    const { data } = one(manifests, 'ConfigMap');
    const { stringData = {} } = one(manifests, 'Secret');
    const folder = tempFolder('helm-config');
    const file = `${folder.path}/config.yaml`;
    writeFileSync(file, data?.['config.yaml'] ?? '');
    const { config, notes } = load({ file, env: stringData });
    folder.remove();
    expect(notes).toEqual([]);
    expect(config).toMatchObject({
      MaxHeldBytes: 134_217_728,
      Debug: true,
      DrainSeconds: 100,
      DB_HOST: 'mysql',
      RedisPassword: 'r',
    });
    expect(Object.keys(stringData).every(isKey)).toBe(true);
  });
});

describe('a pod', () => {
  interface Pod {
    readonly terminationGracePeriodSeconds: number;
    readonly automountServiceAccountToken: boolean;
    readonly securityContext: Values;
    readonly containers: readonly [Container];
    readonly volumes: readonly { readonly name: string }[];
  }
  interface Container {
    readonly image: string;
    readonly env: readonly { readonly name: string; readonly value: string }[];
    readonly envFrom: readonly [{ readonly secretRef: { readonly name: string } }];
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
    readonly securityContext: Values;
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly livenessProbe: { readonly httpGet: Values };
    readonly readinessProbe: { readonly httpGet: Values };
    readonly startupProbe: { readonly httpGet: Values };
  }

  async function podOf(values: Values): Promise<Pod> {
    const { spec } = one(await chart.manifests(values), 'Deployment');
    const { template }: { template?: { spec: Pod } } = spec;
    return template?.spec ?? expect.fail('no pod');
  }

  it('may write nothing but /tmp, is not root, and has no right that it does not need', async () => {
    const { securityContext, containers, automountServiceAccountToken } = await podOf(SECRETS);
    expect(securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    const [gateway] = containers;
    expect(gateway.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(automountServiceAccountToken).toBe(false);
    expect(gateway.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([
      '/config.yaml',
      '/tmp',
      '/etc/waybill/tokens',
    ]);
  });

  it.each([
    [5, 25, 40],
    [0, 100, 110],
    [30, 0, 40],
  ])('that waits %i s and drains for %i s has %i s to go', async (preStopSeconds, DrainSeconds, grace) => {
    const { terminationGracePeriodSeconds, containers } = await podOf({
      ...SECRETS,
      preStopSeconds,
      config: { DrainSeconds },
    });
    expect(terminationGracePeriodSeconds).toBe(grace);
    const command = containers[0].lifecycle?.preStop.exec.command;
    expect(command).toEqual(preStopSeconds === 0 ? undefined : ['sleep', `${preStopSeconds}`]);
  });

  it('is asked on the ports that its gateway listens on', async () => {
    const { containers } = await podOf(EVERYTHING);
    const [gateway] = containers;
    const env = Object.fromEntries(gateway.env.map(({ name, value }) => [name, value]));
    expect(env).toMatchObject({
      RpcPort: '9091',
      HttpPort: '7878',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    });
    expect(gateway.ports).toEqual([
      { name: 'grpc', containerPort: 9091 },
      { name: 'http', containerPort: 7878 },
    ]);
    expect(gateway.startupProbe.httpGet).toEqual({ path: '/healthz', port: 'http', scheme: 'HTTPS' });
    expect(gateway.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http', scheme: 'HTTPS' });
    expect(gateway.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http', scheme: 'HTTPS' });
    expect(gateway.image).toBe('waybill:0.1.0');
    const [plain] = (await podOf(SECRETS)).containers;
    expect(plain.livenessProbe.httpGet).toMatchObject({ scheme: 'HTTP' });
    // Every file that a variable names is where a Secret is mounted.
    const mounts = gateway.volumeMounts.map(({ mountPath }) => mountPath);
    const files = Object.values(env).filter((value) => value?.startsWith('/'));
    expect(files).toHaveLength(4);
    for (const file of files) expect(mounts).toContain(file.slice(0, file.lastIndexOf('/')));
    expect(Object.keys(env).filter((name) => !isKey(name))).toEqual(['OTEL_EXPORTER_OTLP_ENDPOINT']);
  });

  it('is replaced when its configuration or the secrets of the chart change', async () => {
    const annotationsOf = async (values: Values) => {
      const { template }: { template?: { metadata: { annotations: Values } } } = one(
        await chart.manifests(values),
        'Deployment',
      ).spec;
      return template?.metadata.annotations;
    };
    const before = await annotationsOf(SECRETS);
    expect(await annotationsOf(SECRETS)).toEqual(before);
    expect(await annotationsOf({ ...SECRETS, config: { Debug: true } })).not.toEqual(before);
    expect(await annotationsOf({ ...SECRETS, secrets: { values: { AmqpUrl: 'amqp://other/' } } })).not.toEqual(before);
  });
});

it('the versions of chart and gateway are the same', () => {
  const { version }: { version: string } = JSON.parse(readFileSync(`${ROOT}/server/package.json`, 'utf8'));
  expect(readFileSync(`${CHART}/Chart.yaml`, 'utf8')).toContain(`\nappVersion: ${version}\n`);
});

it('the notes after the installation name the services that there are', async () => {
  const notes = (await chart.render(SECRETS))['NOTES.txt'];
  expect(notes).toContain('bus-waybill.messages:9091');
  expect(notes).toContain('bus-waybill-nodes.messages:9091');
});
