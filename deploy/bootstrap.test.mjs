import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkNode, isInstalled } from './bootstrap.mjs';

const entry = (version) => ({ version, integrity: `sha512-${version}` });
const lockOf = (packages) => JSON.stringify({ packages: { '': { name: 'root' }, ...packages } });

function checkout(lock, placed) {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-checkout-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'package-lock.json'), lock);
  if (placed) {
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'node_modules', '.package-lock.json'), placed);
  }
  return folder;
}

test('an old Node is refused with what to do about it', () => {
  expect(() => checkNode('18.20.4')).toThrow('Waybill needs Node 20 or newer; this is Node 18.20.4');
  checkNode('20.12.0');
  checkNode('24.1.0');
});

test('a checkout without node_modules is not installed', () => {
  expect(isInstalled(checkout(lockOf({ 'node_modules/a': entry('1.0.0') })))).toBe(false);
});

test('packages that npm placed by another command count as installed', () => {
  const packages = { 'node_modules/a': entry('1.0.0') };
  expect(isInstalled(checkout(lockOf(packages), lockOf(packages)))).toBe(true);
});

test('a package-lock.json that changed since the install asks for a new one', () => {
  const folder = checkout(lockOf({ 'node_modules/a': entry('1.0.0') }), lockOf({ 'node_modules/a': entry('1.0.0') }));
  expect(isInstalled(folder)).toBe(true);
  writeFileSync(join(folder, 'package-lock.json'), lockOf({ 'node_modules/a': entry('1.0.1') }));
  expect(isInstalled(folder)).toBe(false);
});

test('a package for another platform may be absent', () => {
  const packages = { 'node_modules/a': entry('1.0.0') };
  const lock = lockOf({ ...packages, 'node_modules/other-os': { ...entry('1.0.0'), optional: true } });
  expect(isInstalled(checkout(lock, lockOf(packages)))).toBe(true);
});
