import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Operator } from './operator.js';

const FOLDER = fileURLToPath(new URL('../../docs/images', import.meta.url));

/** Pictures of the documentation are taken anew when `WAYBILL_SCREENSHOTS=1` says so: a test run leaves the tree as it was. */
export const takesScreenshots = process.env.WAYBILL_SCREENSHOTS === '1';

/** What the operator sees, as `docs/images/<name>.png`. */
export async function keepScreenshot({ page }: Operator, name: string): Promise<void> {
  if (!takesScreenshots) return;
  mkdirSync(FOLDER, { recursive: true });
  // Neither a pointer nor a focus ring that a reader would wonder about.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled', caret: 'hide' });
}
