import { describe, expect, expectTypeOf, it } from 'vitest';
import { DEFAULTS, load } from './load.js';
import { ConfigError } from './problem.js';
import { type Config, KEYS, type Key } from './schema.js';

interface Expected {
  readonly default: string | number | boolean;
  readonly accepts: readonly string[];
  readonly refuses: readonly string[];
}

const TRUTH = { accepts: ['true', 'False', 'yes', 'off', '1', '0'], refuses: ['maybe', 'yes please', '2', 'null'] };

const PATH = { default: '', accepts: ['/etc/waybill/file.pem', 'a b.yaml'], refuses: ['/etc/', ' '] };

function number(fallback: number, min: number, max: number): Expected {
  const refuses = [`${min - 1}`, `${max + 1}`, 'abc', '3.5', '1e3', '0x1F', '1_000', '1 000', '٣'];
  return { default: fallback, accepts: [`${min}`, `${max}`, ` ${max} `], refuses };
}

const EXPECTED: { readonly [K in Key]: Expected } = {
  Host: { default: '', accepts: ['0.0.0.0', '::1', 'gateway-1.internal'], refuses: ['a b', 'http://x', 'x/y', '\n'] },
  RpcPort: number(9091, 0, 65_535),
  HttpPort: number(7878, 0, 65_535),
  HttpAllowedOrigins: {
    default: '',
    accepts: ['https://a.example', 'http://localhost:5173, https://b.example'],
    refuses: ['*', 'a.example', 'https://a.example/', 'https://a.example\n'],
  },
  DrainSeconds: number(25, 0, 3_600),
  HeartbeatSeconds: number(15, 1, 3_600),
  KeepaliveSeconds: number(20, 1, 3_600),
  MaxStreams: number(10_000, 1, 1_000_000),
  MaxWaitingCalls: number(10_000, 1, 1_000_000),
  MaxPendingSettles: number(100_000, 1, 10_000_000),
  DataFile: { default: 'waybill.db', accepts: ['/data/bus.db', 'a b.db'], refuses: ['/data/', ' ', 'a\nb'] },
  AmqpUrl: {
    default: '',
    accepts: [
      'amqp://localhost',
      'amqps://u:p%40ss@rabbit.internal:5671/vhost?heartbeat=30',
      'amqp://guest:guest@localhost:5672/',
      'amqp://u:p@[::1]:5672/%2F',
      'amqp://u:p@a:5672/,amqps://u:p@b:5671/',
      'amqp://u:p@a/v, amqp://u:p@b/v ,amqp://u:p@c/v',
      'amqp://u:a,b@host/',
    ],
    refuses: [
      'localhost:5672',
      'http://localhost',
      'amqp://',
      'amqp:///vhost',
      'amqp://u:pa#ss@host/',
      'amqp://u:12/3@host/',
      'amqp://u:p@host:99999/',
      'amqp://u:%zz@host/',
      'amqp://u:p@host/ vhost',
      'amqp://a,b',
      'amqp://u:p@a:5672,b:5672',
      'amqp://u:p@a:5672,u:p@b:5672',
      'amqp://u:p@a,amqp://u:p@b:port',
      'amqp://u:p@a/,http://u:p@b/',
      'amqp://u:p@a/,',
      ',amqp://u:p@a/',
      'amqp://u:p@a/,,amqp://u:p@b/',
    ],
  },
  PrefetchCount: number(0, 0, 65_535),
  QueueType: { default: 'quorum', accepts: ['quorum', 'classic', 'Classic'], refuses: ['stream', 'true', '1'] },
  BrokerPrefix: {
    default: 'waybill',
    accepts: ['bus-2', 'a'.repeat(32)],
    refuses: ['Bus', 'a/b', 'a_b', 'a'.repeat(33), 'ü'],
  },
  EachQueueConsumerNum: number(5, 0, 65_535),
  EachQueueProducerNum: number(2, 0, 65_535),
  DB_HOST: { default: '127.0.0.1', accepts: ['db.internal', '::1'], refuses: ['mysql://db', 'a b', 'db/x'] },
  DB_PORT: number(3306, 1, 65_535),
  DB_DATABASE: {
    default: 'waybill',
    accepts: ['mq_v2', 'my-bus'],
    refuses: ['a/b', 'a.b', 'a`b', 'a'.repeat(65), ' a'],
  },
  DB_USERNAME: { default: 'root', accepts: ['waybill', '1e5'], refuses: ['a'.repeat(129), 'a\tb'] },
  DB_PASSWORD: { default: '', accepts: ['007', ' p#ss:w@rd ', '密码'], refuses: ['a'.repeat(1_025), 'secret\n'] },
  BackConsumerGoroutineNum: number(20, 1, 1_000),
  BackgroundConsumerEnabled: { default: true, ...TRUTH },
  RedisAddr: {
    default: 'localhost:6379',
    accepts: ['10.0.0.1:1', '[::1]:6379', 'redis_1.internal:65535'],
    refuses: ['localhost', ':6379', 'redis://localhost:6379', 'a:0', 'a:65536', 'a:b', '::1:6379'],
  },
  RedisDB: number(0, 0, 65_535),
  RedisUsername: { default: '', accepts: ['waybill'], refuses: ['a'.repeat(129), 'a\rb'] },
  RedisPassword: { default: '', accepts: ['0', 'p ss'], refuses: ['a'.repeat(1_025), 'secret\n'] },
  RedisPrefix: { default: 'waybill', accepts: ['bus:2', 'A.b_c-d'], refuses: ['a b', '{a}', 'a'.repeat(65)] },
  DLMExpiration: number(10, 1, 86_400),
  MaxMessageBytes: number(4_194_304, 1_024, 67_108_864),
  MaxPendingPublishBytes: number(67_108_864, 1_024, 17_179_869_184),
  PublishTimeoutSeconds: number(30, 1, 3_600),
  FrameMaxMessages: number(32, 1, 1_000),
  DedupeWindowSeconds: number(600, 1, 604_800),
  MaxCredit: number(10_000, 1, 100_000),
  MaxUnsettledPerClient: number(50_000, 1, 10_000_000),
  MaxUnsettledBytesPerClient: number(67_108_864, 1_024, 17_179_869_184),
  MaxHeldBytes: number(134_217_728, 65_536, 1_099_511_627_776),
  MaxSubscribersPerChannel: number(5_000, 1, 1_000_000),
  MaxChannels: number(50_000, 1, 10_000_000),
  MaxTopics: number(100_000, 1, 10_000_000),
  MaxJobRunningSeconds: number(1_800, 1, 86_400),
  RetryTimes: number(3, 0, 1_000),
  NackdJobNextRunDelaySeconds: number(600, 0, 31_536_000),
  CronRepublishEnabled: { default: true, ...TRUTH },
  CronDelayPublishEnabled: { default: true, ...TRUTH },
  SearchHeaders: {
    default: '',
    accepts: ['traceparent', 'x-order-id, traceparent ,X'],
    refuses: ['a b', 'ü', 'a'.repeat(129), 'a,b,c,d,e,f,g,h,i'],
  },
  LedgerRetentionHours: number(168, 1, 87_600),
  MetricsMaxChannels: number(200, 0, 10_000),
  OtlpEndpoint: {
    default: '',
    accepts: ['http://localhost:4318', 'https://user:secret@collector.example/otlp'],
    refuses: ['localhost:4318', 'grpc://localhost:4317', 'http://', 'http://a b'],
  },
  TlsCert: PATH,
  TlsKey: PATH,
  TlsClientCa: PATH,
  TlsClientAuth: { default: 'require', accepts: ['require', 'Optional'], refuses: ['yes', 'none'] },
  Tokens: PATH,
  JwtJwksUrl: {
    default: '',
    accepts: ['https://issuer.example/.well-known/jwks.json', 'http://127.0.0.1:8080/keys'],
    refuses: ['issuer.example', 'file:///keys', 'https:// x'],
  },
  JwtJwksFile: PATH,
  JwtIssuer: { default: '', accepts: ['https://issuer.example/'], refuses: ['i'.repeat(1_025)] },
  JwtAudience: { default: '', accepts: ['waybill'], refuses: ['a'.repeat(1_025)] },
  JwtClaim: { default: 'waybill', accepts: ['https://example.com/waybill'], refuses: ['a b', 'c'.repeat(129)] },
  JwtClockSkewSeconds: number(30, 0, 600),
  MaxCallsPerSecondPerClient: number(0, 0, 10_000_000),
  MaxPublishesPerSecondPerClient: number(0, 0, 10_000_000),
  ReflectionEnabled: { default: true, ...TRUTH },
  AllowInsecure: { default: false, ...TRUTH },
  AuditRetentionDays: number(365, 1, 36_500),
  Debug: { default: false, ...TRUTH },
  DebugPayloads: { default: false, ...TRUTH },
  LogFormat: { default: 'json', accepts: ['json', 'text', 'TEXT'], refuses: ['xml', 'true', '1'] },
  PrintConfig: { default: false, ...TRUTH },
};

const JWT = { JwtIssuer: 'i', JwtAudience: 'a' };
const COMPANIONS: { readonly [K in Key]?: Readonly<Record<string, string>> } = {
  MaxPendingPublishBytes: { MaxMessageBytes: '1024' },
  TlsCert: { TlsKey: 'k' },
  TlsKey: { TlsCert: 'c' },
  TlsClientCa: { TlsCert: 'c', TlsKey: 'k' },
  JwtJwksUrl: JWT,
  JwtJwksFile: JWT,
};

function problemsOf(key: Key, value: string): readonly string[] {
  try {
    // The other limit of the pair, and what a key cannot be without, stay out of the way.
    const pair = COMPANIONS[key] ?? { MaxPendingPublishBytes: '67108864' };
    load({ env: { ...pair, [key]: value }, defaultFiles: [] });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.key);
  }
}

describe.each(KEYS)('%s', (key) => {
  const expected = EXPECTED[key];

  it('has the documented default', () => {
    expect(DEFAULTS[key]).toBe(expected.default);
  });

  it('accepts what is in range', () => {
    for (const value of expected.accepts)
      expect({ value, problems: problemsOf(key, value) }).toEqual({ value, problems: [] });
  });

  it('refuses what is out of range or of another type, and names the key', () => {
    for (const value of expected.refuses) {
      expect({ value, problems: problemsOf(key, value) }).toEqual({ value, problems: [key] });
    }
  });
});

describe('a value', () => {
  it('has the type of its key', () => {
    const env = { Debug: 'yes', RetryTimes: '+7', QueueType: 'CLASSIC', DB_PASSWORD: '007' };
    const { config } = load({ env, defaultFiles: [] });
    expect(config).toMatchObject({ Debug: true, RetryTimes: 7, QueueType: 'classic', DB_PASSWORD: '007' });
  });

  it('has that type for the compiler too', () => {
    expectTypeOf<Config['Debug']>().toEqualTypeOf<boolean>();
    expectTypeOf<Config['RetryTimes']>().toEqualTypeOf<number>();
    expectTypeOf<Config['DB_PASSWORD']>().toEqualTypeOf<string>();
    expectTypeOf<Config['QueueType']>().toEqualTypeOf<'quorum' | 'classic'>();
  });

  it.each([
    ['RetryTimes', '1001', 'the most is 1000'],
    ['DLMExpiration', '0', 'the least is 1'],
    ['RetryTimes', '3.4', 'write 3'],
    ['RpcPort', 'abc', 'write 9091'],
    ['Debug', 'yes please', 'write false'],
    ['RedisAddr', 'localhost', 'write host:port, such as localhost:6379'],
  ])('of %s that is "%s" comes with a suggestion', (key, value, suggestion) => {
    expect(() => load({ env: { [key]: value }, defaultFiles: [] })).toThrow(`; ${suggestion}`);
  });
});
