import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../ports/logger.js';
import { healthRoutes } from './health.js';
import { probe, probeUrl } from './probe.js';
import { HttpServer } from './server.js';

async function serve(healthy: boolean): Promise<HttpServer> {
  const routes = healthy ? healthRoutes({ dependencies: [], draining: () => false }) : [];
  const server = new HttpServer({ host: '127.0.0.1', port: 0, routes, logger: silentLogger });
  onTestFinished(() => server.stop());
  await server.start();
  return server;
}

describe('a probe', () => {
  it('succeeds while the gateway lives', async () => {
    await probe('0.0.0.0', (await serve(true)).port);
  });

  it('fails when something else answers, or nobody', async () => {
    const server = await serve(false);
    await expect(probe('127.0.0.1', server.port)).rejects.toThrow('/healthz answers 404');
    const { port } = server;
    await server.stop();
    await expect(probe('127.0.0.1', port)).rejects.toThrow(/^no answer from .*: connect ECONNREFUSED/);
  });

  it.each([
    ['0.0.0.0', 'http://127.0.0.1:7878/healthz'],
    ['::', 'http://[::1]:7878/healthz'],
    ['10.0.0.5', 'http://10.0.0.5:7878/healthz'],
    ['fd00::1', 'http://[fd00::1]:7878/healthz'],
  ])('of a gateway that listens on %s asks %s', (host, url) => {
    expect(probeUrl(host, 7878)).toBe(url);
  });
});
