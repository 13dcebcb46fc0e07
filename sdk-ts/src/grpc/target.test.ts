import type { PeerCertificate } from 'node:tls';
import { expect, it } from 'vitest';
import { channelTarget, verifyOptions } from './target.js';

it('one address is dialled as it is', () => {
  expect(channelTarget(['bus:9091'])).toBe('bus:9091');
  expect(verifyOptions(['bus:9091'])).toEqual({});
});

it('a certificate may be for any name of a list, and for no other', () => {
  const { checkServerIdentity } = verifyOptions(['a.internal:1', 'b.internal:2', '[::1]:3', '10.0.0.1:4']);
  const judge = (names: string) => checkServerIdentity?.('a.internal', certificate(names));
  expect(judge('DNS:a.internal')).toBeUndefined();
  expect(judge('DNS:b.internal')).toBeUndefined();
  expect(judge('IP Address:10.0.0.1')).toBeUndefined();
  expect(judge('DNS:c.internal')).toBeInstanceOf(Error);
});

function certificate(subjectaltname: string): PeerCertificate {
  const name = { C: '', ST: '', L: '', O: '', OU: '', CN: '' };
  return {
    ca: false,
    raw: Buffer.alloc(0),
    subject: name,
    issuer: name,
    valid_from: '',
    valid_to: '',
    serialNumber: '',
    fingerprint: '',
    fingerprint256: '',
    fingerprint512: '',
    subjectaltname,
  };
}
