/** `npm run bench`: prepares the checkout, then measures. `npm run bench -- --help` tells the options. */
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bootstrap } from '../../deploy/bootstrap.mjs';
import { main } from '../../deploy/step.mjs';
import { loadTypeScript } from '../support/typescript.mjs';

// Before the build, which is busy itself.
const [loadAtStart] = loadavg();

await main(async () => {
  await bootstrap();
  const { bench } = await loadTypeScript(fileURLToPath(new URL('main.ts', import.meta.url)));
  process.exit(await bench(process.argv.slice(2), loadAtStart));
});
