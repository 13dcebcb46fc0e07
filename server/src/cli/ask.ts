import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { CommandError } from './failure.js';

export interface Person {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
}

const AT_TERMINAL: Person = { input: process.stdin, output: process.stderr };

/** Resolves when it may be done: `--yes` was given, or a person said so. Without a person it is refused. */
export async function confirmed(what: string, yes: boolean | undefined, person: Person = AT_TERMINAL): Promise<void> {
  if (yes === true) return;
  if (person.input.isTTY !== true || person.output.isTTY !== true) {
    throw new CommandError('NOT_CONFIRMED', `This would ${what}. Nothing was done: nobody is here to ask; add --yes.`);
  }
  const lines = createInterface(person);
  try {
    // The end of the input, or Ctrl-C, is no answer.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(`This will ${what}. Go on? [y/N] `), closed]);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  throw new CommandError('NOT_CONFIRMED', 'Nothing was done.');
}
