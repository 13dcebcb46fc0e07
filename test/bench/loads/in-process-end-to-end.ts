/** The same by the embedded engine inside of this process, on a file. */
import { join } from 'node:path';
import { openBus } from 'waybill';
import { tempFolder } from '../../support/reaper.js';
import { endToEnd } from './end-to-end.js';
import { SdkBus } from './sdk-bus.js';
import { serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => {
  // The load generator is killed in the end: the folder goes with it.
  const bus = await openBus({ file: join(tempFolder('bench').path, 'bus.db') });
  return endToEnd(new SdkBus(bus, settings), settings);
});
