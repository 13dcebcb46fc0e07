import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Fixture } from './fixture.js';
import { MIGRATIONS } from './migrations.js';
import { closeFile, openFile } from './open.js';

describe('opening the data file', () => {
  let fixture: Fixture;

  beforeEach(() => {
    fixture = new Fixture();
    onTestFinished(() => fixture.remove());
  });

  function tablesAfter(migrations: readonly string[]): string[] {
    const database = openFile(fixture.file, migrations);
    const rows: { name: string }[] = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all();
    closeFile(database, fixture.file);
    return rows.map(({ name }) => name);
  }

  test('runs each migration once, in order', () => {
    expect(tablesAfter(['CREATE TABLE a (x)'])).toEqual(['a']);
    expect(tablesAfter(['CREATE TABLE a (x)', 'ALTER TABLE a RENAME TO b'])).toEqual(['b']);
    expect(tablesAfter(['CREATE TABLE a (x)', 'ALTER TABLE a RENAME TO b'])).toEqual(['b']);
  });

  test('leaves the file as it was when a migration fails, and goes on from there', () => {
    expect(() => openFile(fixture.file, ['CREATE TABLE a (x)', 'CREATE TABLE b (x); CREATE TABLE a (x)'])).toThrow();
    expect(tablesAfter(['CREATE TABLE a (x)'])).toEqual(['a']);
    expect(tablesAfter(['CREATE TABLE a (x)', 'CREATE TABLE c (x)'])).toEqual(['a', 'c']);
  });

  test('refuses a file of a newer gateway', () => {
    closeFile(openFile(fixture.file, [...MIGRATIONS, 'CREATE TABLE future (x)']), fixture.file);
    const [newer, known] = [MIGRATIONS.length + 1, MIGRATIONS.length];
    expect(() => fixture.open()).toThrow(
      `was written by a newer gateway: its schema is ${newer}, this gateway knows ${known}`,
    );
  });

  test('says which file it cannot use, and why', () => {
    mkdirSync(dirname(fixture.file));
    writeFileSync(
      fixture.file,
      'something else entirely, and long enough to be read as a header of a data file'.repeat(20),
    );
    expect(() => fixture.open()).toThrow(`data file ${fixture.file} cannot be used: it is no SQLite file`);
    rmSync(fixture.file);
    mkdirSync(fixture.file);
    expect(() => fixture.open()).toThrow(`data file ${fixture.file} cannot be used: the file cannot be opened`);
  });
});
