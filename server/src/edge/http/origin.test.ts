import { describe, expect, it } from 'vitest';
import { Origins } from './origin.js';

const CONSOLE = 'https://console.example';
const local = new Origins([], '127.0.0.1');
const open = new Origins([CONSOLE], '0.0.0.0');

describe('a call', () => {
  it.each([
    ['that no browser sent', { host: 'bus.internal:7878' }],
    [
      'of a page of the gateway',
      { host: 'localhost:7878', origin: 'http://localhost:7878', 'sec-fetch-site': 'same-origin' },
    ],
    ['that a person typed', { host: '127.0.0.1:7878', 'sec-fetch-site': 'none' }],
    ['by an address of version 6', { host: '[::1]:7878', origin: 'http://[::1]:7878' }],
  ])('%s is let in', (_, headers) => {
    expect(local.refusal({ headers })).toBeUndefined();
  });

  it.each([
    ['of another site', { host: 'localhost:7878', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another port', { host: 'localhost:7878', origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    [
      'of a page whose name was pointed at this machine',
      { host: 'evil.example:7878', origin: 'http://evil.example:7878', 'sec-fetch-site': 'same-origin' },
    ],
  ])('%s is refused, and the key that lets it in is named', (_, headers) => {
    expect(local.refusal({ headers })).toContain('HttpAllowedOrigins');
  });

  it.each(['localhost', 'LOCALHOST', '::1', '::ffff:127.0.0.1', '127.0.0.1', '127.1', 'bus.localhost'])(
    'of a page whose name was pointed at a gateway on %s is refused',
    (listenHost) => {
      const headers = { host: 'evil.example:7878', 'sec-fetch-site': 'same-origin' };
      expect(new Origins([], listenHost).refusal({ headers })).toContain('HttpAllowedOrigins');
    },
  );

  it('of an origin that is allowed is let in, of another one not', () => {
    const headers = { host: 'bus.example', 'sec-fetch-site': 'cross-site' };
    expect(open.refusal({ headers: { ...headers, origin: CONSOLE } })).toBeUndefined();
    expect(open.refusal({ headers: { ...headers, origin: 'https://other.example' } })).toBeDefined();
    expect(open.refusal({ headers })).toBeDefined();
  });

  it('by the name of a proxy in front is let in where the name is allowed', () => {
    const headers = { host: 'bus.example', origin: 'https://bus.example', 'sec-fetch-site': 'same-origin' };
    expect(local.refusal({ headers })).toBeDefined();
    expect(new Origins(['https://bus.example'], '127.0.0.1').refusal({ headers })).toBeUndefined();
    expect(new Origins([], '0.0.0.0').refusal({ headers })).toBeUndefined();
  });
});
