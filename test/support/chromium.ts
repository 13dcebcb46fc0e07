import { type Browser, chromium } from 'playwright-core';
import { ensureDebianPackages } from './services/debian.js';
import { thisMachine } from './services/machine.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'] as const;

/** It renders pages of 127.0.0.1 only; everything that would call home is off. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * The machine's own Chromium, without a window: the program of `WAYBILL_TEST_CHROMIUM`, one that is installed, or as root on
 * Debian the package. The caller closes it; it ends with this process in any case.
 */
export async function startChromium(): Promise<Browser> {
  // Chromium's own sandbox does not run as root.
  const args = thisMachine.isRoot ? [...FLAGS, '--no-sandbox'] : FLAGS;
  return chromium.launch({ executablePath: await programPath(), args });
}

async function programPath(): Promise<string> {
  const found = process.env.WAYBILL_TEST_CHROMIUM || thisMachine.find(...NAMES);
  if (found) return found;
  await ensureDebianPackages(['chromium']);
  const installed = thisMachine.find(...NAMES);
  if (installed) return installed;
  throw new Error('The tests of the web UI need Chromium, and none was found: set WAYBILL_TEST_CHROMIUM to its path');
}
