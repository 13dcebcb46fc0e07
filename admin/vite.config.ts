import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The gateway that `npm run dev -w admin` talks to. */
const gateway = process.env.WAYBILL_HTTP_URL ?? 'http://localhost:7878';

export default defineConfig({
  // Where the gateway serves what is built.
  base: '/admin/',
  plugins: [react()],
  build: {
    target: 'es2022',
    // The page's policy forbids data: for scripts and fonts; everything is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // The libraries change less often than the UI: a browser keeps them over an upgrade of the gateway.
        codeSplitting: { groups: [{ name: 'libraries', test: /node_modules/ }] },
      },
    },
  },
  server: { proxy: { '/waybill.v1': gateway } },
});
