import { expect, test } from 'vitest';
import { missingOptional } from './lockfile.mjs';

const asks = { version: '1.0.0', optionalDependencies: { 'tool-darwin': '1.0.0', 'tool-linux': '1.0.0' } };

test('names the packages of other platforms that the lock file lacks', () => {
  const packages = { '': {}, 'node_modules/tool': asks, 'node_modules/tool-linux': {} };
  expect(missingOptional({ packages })).toEqual(['tool-darwin@1.0.0']);
});

test('finds a package in the folder of its own parent, and above it', () => {
  const packages = {
    'node_modules/a/node_modules/tool': asks,
    'node_modules/a/node_modules/tool/node_modules/tool-linux': {},
    'node_modules/tool-darwin': {},
  };
  expect(missingOptional({ packages })).toEqual([]);
});
