import { expect, test } from 'vitest';
import { DEFAULTS } from '../../config/load.js';
import { checkSecurity } from './security.js';

test.each([
  [{}, 'ok', 'this machine alone'],
  [{ Host: '0.0.0.0' }, 'fail', 'it will not start'],
  [{ AmqpUrl: 'amqp://localhost' }, 'fail', 'it will not start'],
  [{ Host: '0.0.0.0', AllowInsecure: true }, 'warn', 'open to everybody'],
  [{ Host: '0.0.0.0', JwtJwksUrl: 'https://issuer.example/keys' }, 'warn', 'plain text'],
] as const)('with %j the access is %s: %s', (settings, state, found) => {
  const [access] = checkSecurity({ ...DEFAULTS, ...settings });
  expect(access).toMatchObject({ name: 'access', state, found: expect.stringContaining(found) });
});

test('files that cannot be used are told of', () => {
  const settings = { Tokens: '/nowhere/tokens.yaml', TlsCert: '/nowhere/cert.pem', TlsKey: '/nowhere/key.pem' };
  const checks = checkSecurity({ ...DEFAULTS, ...settings });
  expect(checks.map(({ name, state }) => [name, state])).toEqual([
    ['access', 'ok'],
    ['tokens', 'fail'],
    ['certificate', 'fail'],
  ]);
});
