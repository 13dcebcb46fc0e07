/** `npm start`: makes the checkout ready, then becomes the gateway. Arguments go to `waybill serve`. */
import { bootstrap } from './bootstrap.mjs';
import { main, root } from './step.mjs';

await main(bootstrap);

// In this very process: signals, exit code and standard streams are the gateway's own, with nobody in between.
const gateway = `${root}server/dist/cli/main.js`;
process.argv = [process.execPath, gateway, 'serve', ...process.argv.slice(2)];
await import(`file://${gateway}`);
