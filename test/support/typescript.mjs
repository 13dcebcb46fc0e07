/**
 * Loads a TypeScript module without a build, by the loader that vitest has for the tests. Only files of this checkout's
 * `test` folder go through it: packages, the SDK among them, are what Node itself loads.
 */
import { createViteServer } from 'vitest/node';

export async function loadTypeScript(path) {
  const vite = await createViteServer({
    configFile: false,
    logLevel: 'error',
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, watch: null, hmr: false, ws: false },
    ssr: { external: true },
  });
  return vite.ssrLoadModule(path);
}
