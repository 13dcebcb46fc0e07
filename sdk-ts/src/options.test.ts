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
    expect(options.address).toBe(address);
    expect(options.tls !== undefined).toBe(secure);
  });

  it('the url comes from WAYBILL_URL, then MQ_HOST, then is localhost', () => {
    expect(resolveOptions({}, { WAYBILL_URL: 'a', MQ_HOST: 'b' }).address).toBe('a:9091');
    expect(resolveOptions({}, { MQ_HOST: 'b:1' }).address).toBe('b:1');
    expect(resolveOptions({}, none).address).toBe('localhost:9091');
  });

  it.each([
    [{ url: 'no spaces' }, 'url'],
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
