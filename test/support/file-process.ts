// Set up in each process that runs a test file.
import { Worker } from 'node:worker_threads';
import { expect } from 'vitest';

// The process goes on when vitest itself is killed, and what the file started would go on with it.
process.once('disconnect', () => process.exit(1));

// A loop that never lets go of the thread stops vitest's own time limits too, so the limit is kept by another thread.
const SILENT_SECONDS = 90;
const beats = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => Atomics.add(beats, 0, 1), 1_000).unref();

new Worker(
  `const { beats, file } = require('node:worker_threads').workerData;
   let seen = -1;
   setInterval(() => {
     const now = Atomics.load(beats, 0);
     if (now === seen) {
       require('node:fs').writeSync(2, file + ' held its thread for ${SILENT_SECONDS} seconds without a pause; its process is ended.\\n');
       process.kill(process.pid, 'SIGKILL');
     }
     seen = now;
   }, ${SILENT_SECONDS * 1_000});`,
  { eval: true, workerData: { beats, file: expect.getState().testPath }, name: 'watchdog' },
).unref();
