import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULTS, load } from './load.js';
import { ConfigError } from './problem.js';
import type { Key } from './schema.js';

const EVENT_BUS = fileURLToPath(new URL('./fixtures/event-bus.yaml', import.meta.url));

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-config-'));
  file = join(folder, 'config.yaml');
});

afterEach(() => rmSync(folder, { recursive: true }));

function loadText(text: string | Uint8Array, env: Record<string, string> = {}) {
  writeFileSync(file, text);
  return load({ file, env });
}

/** The lines of the error, with the path of the file taken out. */
function faults(text: string | Uint8Array, env: Record<string, string> = {}): string[] {
  try {
    loadText(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(file, 'config.yaml').split('\n  ').slice(1);
    throw error;
  }
  return [];
}

describe('a file of the original event-bus', () => {
  it('is loaded unchanged', () => {
    const { config, file: read } = load({ file: EVENT_BUS, env: {} });
    expect(read).toBe(EVENT_BUS);
    expect(config).toEqual({
      ...DEFAULTS,
      AmqpUrl: 'amqp://guest:guest@localhost:5672/',
      DLMExpiration: 1_800,
      DB_DATABASE: 'mq_v2',
    });
  });

  it('is told which of its keys have no effect', () => {
    const { notes } = load({ file: EVENT_BUS, env: {} });
    expect(notes.map(({ key }) => key)).toEqual([
      'BackgroundConsumerEnabled',
      'EachQueueConsumerNum',
      'EachQueueProducerNum',
    ]);
    expect(notes[1]).toEqual({
      key: 'EachQueueConsumerNum',
      where: `${EVENT_BUS}:39`,
      text: 'EachQueueConsumerNum has no effect: consumers follow the credit of subscribers',
    });
  });
});

describe('where values come from', () => {
  it('is the defaults when there is neither file nor variable', () => {
    expect(load({ env: {}, defaultFiles: [join(folder, 'absent.yaml')] })).toEqual({
      config: DEFAULTS,
      file: undefined,
      sources: new Map(),
      notes: [],
    });
  });

  it('is the environment before the file, under the exact name of the key', () => {
    const { config, sources } = loadText('RpcPort: 1000\nRetryTimes: 5\n', {
      RpcPort: '2000',
      rpcport: '3',
      PATH: 'x',
    });
    expect([config.RpcPort, config.RetryTimes]).toEqual([2_000, 5]);
    expect(sources).toEqual(
      new Map<Key, string>([
        ['RpcPort', 'environment'],
        ['RetryTimes', `${file}:2`],
      ]),
    );
  });

  it('is the file that the argument names before the one that WAYBILL_CONFIG names', () => {
    writeFileSync(file, 'RetryTimes: 8\n');
    const other = join(folder, 'other.yaml');
    writeFileSync(other, 'RetryTimes: 9\n');
    expect(load({ env: { WAYBILL_CONFIG: other } }).config.RetryTimes).toBe(9);
    expect(load({ file, env: { WAYBILL_CONFIG: other } }).config.RetryTimes).toBe(8);
    expect(load({ env: { WAYBILL_CONFIG: '' }, defaultFiles: [file] }).config.RetryTimes).toBe(8);
  });

  it('is the first default file that exists', () => {
    writeFileSync(file, 'RetryTimes: 8\n');
    const { config, file: read } = load({ env: {}, defaultFiles: [join(folder, 'absent.yaml'), file] });
    expect([config.RetryTimes, read]).toEqual([8, file]);
  });

  it.each(['argument', 'WAYBILL_CONFIG'])('must exist when the %s names it', (how) => {
    const options = how === 'argument' ? { file, env: {} } : { env: { WAYBILL_CONFIG: file } };
    expect(() => load(options)).toThrow(`${file}: there is no such file; check the path`);
  });

  it('must be a file, of UTF-8 text', () => {
    expect(() => load({ file: folder, env: {} })).toThrow(`${folder}: is a folder, not a file`);
    expect(faults(Uint8Array.of(0x41, 0xff))).toEqual(['config.yaml: is not UTF-8 text']);
  });
});

describe('a value', () => {
  it.each(['', '# nothing\n', '---\n', '{}\n'])('may be missing altogether: %j', (text) => {
    expect(loadText(text).config).toEqual(DEFAULTS);
  });

  it('that is empty is not set', () => {
    const { config, sources } = loadText(
      'RedisPassword:\nDB_PASSWORD: ""\nRpcPort: ~\nRetryTimes: 5\nDB_HOST: # none\n',
      {
        RetryTimes: '',
      },
    );
    expect(config).toEqual({ ...DEFAULTS, RetryTimes: 5 });
    expect([...sources.keys()]).toEqual(['RetryTimes']);
  });

  it('of text is what stands in the file, whatever YAML takes it for', () => {
    const { config } = loadText(
      'DB_PASSWORD: 007\nRedisPassword: "null"\nDB_USERNAME: 1e5\nRedisUsername: \'true\'\nDB_DATABASE: 0x1F\n',
    );
    expect(config).toMatchObject({
      DB_PASSWORD: '007',
      RedisPassword: 'null',
      DB_USERNAME: '1e5',
      RedisUsername: 'true',
      DB_DATABASE: '0x1F',
    });
  });

  it('may be quoted, aliased, or in a file with Windows line ends and a byte order mark', () => {
    const { config } = loadText('\uFEFFRpcPort: "1000"\r\nDB_HOST: &host db\r\nHost: *host\r\n');
    expect(config).toMatchObject({ RpcPort: 1_000, DB_HOST: 'db', Host: 'db' });
  });
});

describe('problems', () => {
  it('are listed all at once, in the order of the file, then of the environment', () => {
    const text = [
      'RpcPort: abc',
      'RpcProt: 9091',
      'RetryTimes: 3.5',
      'Debug: yes please',
      'HttpPort: 99999',
      'DB_HOST: [a, b]',
      'DB_PORT: 1',
      'DB_PORT: 2',
      'RedisAddr: {host: x}',
    ].join('\n');
    expect(faults(text, { DrainSeconds: '-1', QueueType: 'stream' })).toEqual([
      'config.yaml:1: RpcPort "abc": must be a whole number from 0 to 65535; write 9091',
      'config.yaml:2: RpcProt: is not a key; did you mean RpcPort?',
      'config.yaml:3: RetryTimes "3.5": must be a whole number from 0 to 1000; write 4',
      'config.yaml:4: Debug "yes please": must be true or false; write false',
      'config.yaml:5: HttpPort "99999": must be a whole number from 0 to 65535; the most is 65535',
      'config.yaml:6: DB_HOST: must be an IP address or a host name; write one value, in quotes if it starts with a special character',
      'config.yaml:8: DB_PORT: was set before, at config.yaml:7; keep one of them',
      'config.yaml:9: RedisAddr: must be host:port; write one value, in quotes if it starts with a special character',
      'environment: DrainSeconds "-1": must be a whole number from 0 to 3600; the least is 0',
      'environment: QueueType "stream": must be quorum or classic; write quorum',
    ]);
  });

  it.each([
    ['rpc_port', 'did you mean RpcPort?'],
    ['RetryTime', 'did you mean RetryTimes?'],
    ['DbPassword', 'did you mean DB_PASSWORD?'],
    ['AmpqUrl', 'did you mean AmqpUrl?'],
    ['Colour', 'see docs/configuration.md for all keys'],
    ['<<', 'see docs/configuration.md for all keys'],
  ])('name the key that is nearest to %s', (name, suggestion) => {
    expect(faults(`${name}: 1`)).toEqual([`config.yaml:1: ${name}: is not a key; ${suggestion}`]);
  });

  it('of the file count even where the environment wins', () => {
    expect(faults('RpcPort: abc', { RpcPort: '1' })).toHaveLength(1);
  });

  it('are found between two keys, but not with a default that stands in for a wrong value', () => {
    expect(faults('RpcPort: 7878')).toEqual([
      'config.yaml:1: HttpPort "7878": must not be the RpcPort; give one of them another port',
    ]);
    expect(faults('RpcPort: 0\nHttpPort: 0')).toEqual([]);
    expect(faults('RpcPort: 7878\nHttpPort: abc')).toHaveLength(1);
    expect(faults('MaxMessageBytes: 5000\nMaxPendingPublishBytes: 4000')).toEqual([
      'config.yaml:2: MaxPendingPublishBytes "4000": must be at least MaxMessageBytes, 5000; write 5000',
    ]);
  });
});

describe('malformed YAML', () => {
  const advice = 'check indentation and quotes; a value with special characters goes in quotes';

  it('is shown with line, column and text', () => {
    expect(faults('Debug: true\nRpcPort: a: b\n')).toEqual([
      `config.yaml:2:10: "RpcPort: a: b": is not valid YAML: Nested mappings are not allowed in compact mappings; ${advice}`,
    ]);
    expect(faults('Debug: true\n\tRpcPort: 1\n')[0]).toMatch(
      /^config\.yaml:2:1: "RpcPort: 1": is not valid YAML: Tabs/,
    );
    expect(faults('Debug: on\n---\nDebug: off\n')[0]).toMatch(/^config\.yaml:2:1: "---": .*: a second document starts/);
  });

  it('is shown where a quote or bracket was opened that nothing closes', () => {
    expect(faults('Debug: true\nHost: "x\nRetryTimes: 1\n')[0]).toMatch(
      /^config\.yaml:2:7: "Host: \\"x": is not valid YAML/,
    );
    expect(faults('Debug: true\nHost: [x\nRetryTimes: 1\n')[0]).toMatch(/^config\.yaml:\d:\d+: "/);
  });

  it.each([
    'DB_PASSWORD: "hunter2',
    'DB_PASSWORD: "hunter2\nRetryTimes: 1',
    'DB_PASSWORD: !hunter2',
    'DB_PASSWORD: @hunter2',
    'DB_PASSWORD: "a\\hunter2"',
    'RetryTimes: 1\nDB_PASSWORD: x\n  hunter2: y: z\n',
    'AmqpUrl: amqp://u: hunter2: x',
    'DB_PASSWORD: &hunter2',
    'DB_PASSWORD: *hunter2',
    'DB_PASSWORD: [hunter2]',
    'AmqpUrl: amqp://u:hunter2@host:port/',
    'AmqpUrl: amqp://u:7#hunter2@host/',
    'AmqpUrl: u:hunter2@host',
    'AmqpUrl: http://host/?password=hunter2',
    'AmqpUrl: amqp://u:hunter2@a,amqp://u:hunter2@b:port',
    'AmqpUrl: amqp://u:hunter2@a:5672,u:hunter2@b:5672',
    'AmqpUrl: amqp://u:hunter2@a/,http://u:hunter2@b/',
    `DB_PASSWORD: hunter2${'x'.repeat(1_024)}`,
  ])('or a wrong secret is an error that does not show it: %j', (text) => {
    const found = faults(text);
    expect(found).not.toEqual([]);
    expect(found.join('\n')).not.toContain('hunter2');
  });

  it.each(['- RpcPort: 1', 'RpcPort', '42'])('is said of a file that holds no keys: %s', (text) => {
    expect(faults(text)).toEqual(['config.yaml: holds no keys; write one key a line, such as RpcPort: 9091']);
  });
});
