import { describe, expect, it } from 'vitest';
import { resolveOptions } from './options.js';

const none = {};

describe('connect options', () => {
  it.each([
    ['bus', 'bus:9091', false],
    ['bus:1234', 'bus:1234', false],
    ['http://bus:1234/', 'bus:1234', false],
    ['grpcs://bus', 'bus:9091', true],
    ['https://10.0.0.1:443', '10.0.0.1:443', true],
    ['[::1]:9091', '[::1]:9091', false],
  ])('the url %s is %s', (url, address, secure) => {
    const options = resolveOptions({ url }, none);
    expect(options.addresses).toEqual([address]);
    expect(options.tls !== undefined).toBe(secure);
  });

  it('the url comes from WAYBILL_URL, then MQ_HOST, then is localhost', () => {
    expect(resolveOptions({}, { WAYBILL_URL: 'a', MQ_HOST: 'b' }).addresses).toEqual(['a:9091']);
    expect(resolveOptions({}, { MQ_HOST: 'b:1' }).addresses).toEqual(['b:1']);
    expect(resolveOptions({}, none).addresses).toEqual(['localhost:9091']);
  });

  it.each([
    ['a,b:1', ['a:9091', 'b:1'], false],
    [['a', 'http://b:1/'], ['a:9091', 'b:1'], false],
    ['grpcs://a:1, b:2,[::1]:3', ['a:1', 'b:2', '[::1]:3'], true],
    ['a,b,a:9091', ['a:9091', 'b:9091'], false],
  ])('the url %j is of several gateways', (url, addresses, secure) => {
    const options = resolveOptions({ url }, none);
    expect(options.addresses).toEqual(addresses);
    expect(options.tls !== undefined).toBe(secure);
    expect(resolveOptions({}, { WAYBILL_URL: url.toString() }).addresses).toEqual(addresses);
  });

  it.each([
    [{ url: 'no spaces' }, 'url'],
    [{ url: 'a,,b' }, 'url'],
    [{ url: 'a,' }, 'url'],
    [{ url: [] }, 'url'],
    [{ url: 'http://a,https://b' }, 'url'],
    [{ url: 'a,grpcs://b' }, 'url'],
    [{ maxInFlight: 0 }, 'maxInFlight'],
    [{ maxPending: 1.5 }, 'maxPending'],
    [{ batch: { messages: 1_001 } }, 'batch.messages'],
    [{ deadline: '0ms' as const }, 'deadline'],
    [{ keepalive: { time: 10 } }, 'keepalive.time'],
  ])('%j is refused, and named', (options, field) => {
    expect(() => resolveOptions(options, none)).toThrow(
      expect.objectContaining({ name: 'InvalidArgumentError', field }),
    );
  });

  it('a name is cut at what the ledger keeps', () => {
    expect(resolveOptions({ name: 'x'.repeat(100) }, none).name).toHaveLength(64);
  });
});
