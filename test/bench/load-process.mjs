// A load generator's own process: `node load-process.mjs FILE SETTINGS`. It ends with its parent.
import { loadTypeScript } from '../support/typescript.mjs';

process.once('disconnect', () => process.exit(1));
await loadTypeScript(process.argv[2]);
