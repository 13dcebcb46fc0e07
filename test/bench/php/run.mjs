/** `node test/bench/php/run.mjs [--rounds n]`: the PHP package against php-amqplib, on one machine in one run. Prints ratios. */
import { fileURLToPath } from 'node:url';
import { bootstrap } from '../../../deploy/bootstrap.mjs';
import { main } from '../../../deploy/step.mjs';
import { loadTypeScript } from '../../support/typescript.mjs';

await main(async () => {
  await bootstrap();
  const { benchPhp } = await loadTypeScript(fileURLToPath(new URL('main.ts', import.meta.url)));
  process.exit(await benchPhp(process.argv.slice(2)));
});
