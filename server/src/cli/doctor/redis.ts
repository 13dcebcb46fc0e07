import { Redis } from 'ioredis';
import { parseAddress } from '../../config/address.js';
import type { Config } from '../../config/schema.js';
import { isLoopback } from '../../model/loopback.js';
import { atLeastVersion, type Check, clockCheck, fail, ok, reasonOf, warn } from './check.js';

const TIMEOUT_MS = 5_000;
const LEAST_VERSION = '5.0';

/** Reads only. */
export async function checkRedis(config: Config): Promise<Check[]> {
  const address = parseAddress(config.RedisAddr);
  if (address === undefined) return [fail('redis', 'RedisAddr is no host:port', 'write host:6379')];
  const redis = new Redis({
    ...address,
    db: config.RedisDB,
    ...(config.RedisUsername && { username: config.RedisUsername }),
    ...(config.RedisPassword && { password: config.RedisPassword }),
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    protocol: 2,
    retryStrategy: () => null,
  });
  let lost: Error | undefined;
  redis.on('error', (error) => {
    lost = error;
  });
  try {
    await redis.connect();
    return await checksOf(redis, address.host);
  } catch (error) {
    const reason = reasonOf(lost ?? error);
    const advice = /NOAUTH|WRONGPASS/.test(reason)
      ? 'check RedisUsername and RedisPassword'
      : 'start it, or mend RedisAddr; look at firewalls between';
    return [fail('redis', `${config.RedisAddr}: ${reason}`, advice)];
  } finally {
    redis.disconnect();
  }
}

async function checksOf(redis: Redis, host: string): Promise<Check[]> {
  const info = await redis.info();
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const version = fact('redis_version');
  const asked = Date.now();
  const [seconds, micros] = await redis.time();
  const answered = Date.now();
  const policy = fact('maxmemory_policy');
  const checks = [
    atLeastVersion(version, LEAST_VERSION)
      ? ok('redis', `Redis ${version}`)
      : fail('redis', `Redis ${version}`, `upgrade to ${LEAST_VERSION} or newer`),
    clockCheck('redis clock', Number(seconds) * 1_000 + Number(micros) / 1_000, asked, answered),
    isLoopback(host)
      ? ok('redis tls', 'plain, on this machine')
      : warn('redis tls', 'plain over a network', 'keep it in a private network, or put a TLS tunnel between'),
  ];
  if (fact('role') === 'slave') checks.push(fail('redis role', 'a replica', 'point RedisAddr at the primary'));
  if (policy !== '' && policy !== 'noeviction') {
    checks.push(
      warn('redis memory', `maxmemory-policy ${policy}`, 'set noeviction: an evicted lock or mark is a lost one'),
    );
  }
  return checks;
}
