/** `npm run chaos`: prepares the checkout, then breaks things. `npm run chaos -- --help` tells the options. */
import { fileURLToPath } from 'node:url';
import { bootstrap } from '../../deploy/bootstrap.mjs';
import { main } from '../../deploy/step.mjs';
import { loadTypeScript } from '../support/typescript.mjs';

await main(async () => {
  await bootstrap();
  const { chaos } = await loadTypeScript(fileURLToPath(new URL('main.ts', import.meta.url)));
  process.exit(await chaos(process.argv.slice(2)));
});
