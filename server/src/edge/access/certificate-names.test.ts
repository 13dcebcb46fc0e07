import { expect, test } from 'vitest';
import { addressOf } from './access.js';
import { namesOf } from './certificate-names.js';

test.each([
  [undefined, undefined, []],
  ['worker', undefined, ['worker']],
  [
    'worker',
    'DNS:a.example, URI:spiffe://b/c, email:d@e, IP Address:127.0.0.1',
    ['worker', 'a.example', 'spiffe://b/c', 'd@e'],
  ],
  // A name that holds what parts names is in quotes, and is none of ours.
  ['worker', 'DNS:"a, DNS:root"', ['worker']],
])('a certificate of %j with %j has the names %j', (CN, subjectaltname, names) => {
  const subject = CN === undefined ? undefined : { C: '', ST: '', L: '', O: '', OU: '', CN };
  expect(
    namesOf({
      ...(subject === undefined ? {} : { subject }),
      ...(subjectaltname === undefined ? {} : { subjectaltname }),
    }),
  ).toEqual(names);
});

test.each([
  ['127.0.0.1:5000', '127.0.0.1'],
  ['::1:5000', '::1'],
  ['2001:db8:1:2:3:4:5:6:5000', '2001:db8:1:2'],
  ['2001:db8:1:2:ffff:4:5:6:80', '2001:db8:1:2'],
  ['::ffff:10.0.0.1:5000', '::ffff:10.0.0.1'],
  ['unknown', 'unknown'],
])('the address of %s is %s', (peer, address) => {
  expect(addressOf(peer)).toBe(address);
});
