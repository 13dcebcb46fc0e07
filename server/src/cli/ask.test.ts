import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirmed } from './ask.js';
import { progressOf } from './progress.js';

function person(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  return { input, output };
}

test('a person is told what will be hit, and only a yes goes on', async () => {
  const yes = person(true);
  yes.input.write('y\n');
  await confirmed('delete 3 dead letters', undefined, yes);
  expect(String(yes.output.read())).toContain('This will delete 3 dead letters. Go on?');
  const no = person(true);
  no.input.write('\n');
  await expect(confirmed('delete', false, no)).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
  const gone = person(true);
  gone.input.end();
  await expect(confirmed('delete', false, gone)).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
});

test('without a person it is refused, unless yes was said before', async () => {
  await expect(confirmed('delete all', undefined, person(false))).rejects.toThrow('--yes');
  await confirmed('delete all', true, person(false));
});

test('progress is drawn for a person only', () => {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  progressOf('deleted', 10, { write }).at(5);
  expect(written).toEqual([]);
  progressOf('deleted', 10, { isTTY: true, write }).at(5);
  expect(written[0]).toContain('[############............] deleted 5');
});
