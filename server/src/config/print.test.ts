import { describe, expect, it } from 'vitest';
import { load } from './load.js';
import { maskUrl } from './mask.js';
import { printConfig } from './print.js';
import { KEYS } from './schema.js';

describe('the printed configuration', () => {
  const env = {
    AmqpUrl: 'amqp://guest:hunter2@rabbit:5672/vhost',
    DB_PASSWORD: 'hunter2',
    RedisPassword: 'hunter2',
    RetryTimes: '5',
  };
  const lines = printConfig(load({ env, defaultFiles: [] })).split('\n');

  it('has every key, its value and where it comes from', () => {
    expect(lines[0]).toBe('# no configuration file');
    expect(lines.slice(1, -1).map((line) => line.split(':')[0])).toEqual(KEYS);
    expect(lines).toContain('RetryTimes: 5  # environment');
    expect(lines).toContain('RpcPort: 9091  # default');
    expect(lines).toContain("Host: ''  # default");
  });

  it('masks passwords, also the one of a URL', () => {
    expect(lines).toContain('DB_PASSWORD: ******  # environment');
    expect(lines).toContain('RedisPassword: ******  # environment');
    expect(lines).toContain('AmqpUrl: amqp://guest:******@rabbit:5672/vhost  # environment');
    expect(lines.join('\n')).not.toContain('hunter2');
  });
});

describe('a masked URL, or list of them', () => {
  it.each([
    ['amqp://u:p@h:1/v?heartbeat=5', 'amqp://u:******@h:1/v?heartbeat=5'],
    ['amqp://h/v', 'amqp://h/v'],
    ['amqp://u@h', 'amqp://u@h'],
    ['amqp://h?auth_password=p', 'amqp://h?auth_password=******'],
    ['amqp://u:a@b@h/', 'amqp://u:******@h/'],
    ['amqp://u:a#b@h/', 'amqp://******@h/'],
    ['amqp://u:a/b@h/', 'amqp://******@h/'],
    ['u:p@h', '******@h'],
    ['amqp://u:p', 'amqp://******'],
    ['p', '******'],
    ['amqp://u:p@a:1/v, amqp://u:q@b:2/v', 'amqp://u:******@a:1/v,amqp://u:******@b:2/v'],
    ['amqp://u:p@a:1,u:q@b:2', 'amqp://u:******@b:2'],
    ['amqp://u:p@a:1,amqp://u:q@b:port', 'amqp://******@b:port'],
    ['amqp://u:p@a:1,http://u:q@b', 'amqp://******@b'],
    ['amqp://u:p,amqp://q@b', 'amqp://******@b'],
    ['amqp://a,amqps://b?password=p', 'amqp://a,amqps://b?password=******'],
  ])('%s becomes %s', (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });
});
