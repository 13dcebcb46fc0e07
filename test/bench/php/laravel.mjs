/** `node test/bench/php/laravel.mjs [--jobs n] [--rounds n]`: Laravel's queue on Waybill against its own drivers, on one machine in one run. Prints ratios. */
import { fileURLToPath } from 'node:url';
import { bootstrap } from '../../../deploy/bootstrap.mjs';
import { main } from '../../../deploy/step.mjs';
import { loadTypeScript } from '../../support/typescript.mjs';

await main(async () => {
  await bootstrap();
  const { benchLaravel } = await loadTypeScript(fileURLToPath(new URL('laravel.ts', import.meta.url)));
  process.exit(await benchLaravel(process.argv.slice(2)));
});
