import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/** The checkout that these scripts belong to. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A step that failed in a way the user can read: printed as it is, without a stack. */
export class StepFailure extends Error {}

/** What a step answers that could not do its work, for no fault of the checkout. It neither passed nor failed. */
export class NotDone {
  constructor(reason) {
    this.reason = reason;
  }
}

/**
 * Does the work, then prints one line with its name and how long it took. What the work returns is added as a note. False: it was not
 * done.
 */
export async function step(name, work) {
  const begun = performance.now();
  const line = (mark, note) =>
    console.error(`${mark} ${name.padEnd(14)} ${((performance.now() - begun) / 1000).toFixed(1)} s${note}`);
  try {
    const note = await work();
    if (note instanceof NotDone) {
      line('?', `  ${note.reason}`);
      return false;
    }
    line('✓', note ? `  ${note}` : '');
    return true;
  } catch (error) {
    line('✗', '');
    throw error;
  }
}

/** Runs a command silently and returns its standard output; a failure carries everything that it printed. */
export function quietly(command, args, { cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
    const stdout = [];
    const everything = [];
    child.stdout.on('data', (chunk) => {
      stdout.push(chunk);
      everything.push(chunk);
    });
    child.stderr.on('data', (chunk) => everything.push(chunk));
    child.on('error', (error) => reject(new StepFailure(`${command} cannot be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(stdout).toString());
      const said = Buffer.concat(everything).toString().trimEnd();
      reject(new StepFailure(`${said}\n\n${[command, ...args].join(' ')} ended with ${signal ?? code}`));
    });
  });
}

/** Runs a JavaScript tool of node_modules, by its path inside node_modules. */
export function tool(path, args, options) {
  return quietly(process.execPath, [`${root}node_modules/${path}`, ...args], options);
}

/** Runs a script's main function: a failure that the user can read is printed plainly, and the exit code is 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof StepFailure ? `\n${error.message}` : error);
    process.exit(1);
  }
}
