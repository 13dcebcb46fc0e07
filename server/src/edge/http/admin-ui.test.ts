import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../ports/logger.js';
import { adminRoutes } from './admin-ui.js';
import { HttpServer } from './server.js';

const PAGE = '<!doctype html><title>Waybill</title>';
const SCRIPT = 'let x = 1;\n'.repeat(200);

let folder: string;
let server: HttpServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-admin-ui-'));
  build();
  writeFileSync(join(folder, 'secret'), 'secret');
  const routes = adminRoutes(join(folder, 'dist'));
  server = new HttpServer({ host: '127.0.0.1', port: 0, routes, logger: silentLogger });
  await server.start();
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

function build(page = PAGE): void {
  mkdirSync(join(folder, 'dist', 'assets'), { recursive: true });
  writeFileSync(join(folder, 'dist', 'assets', 'index-Ab1.js'), SCRIPT);
  writeFileSync(join(folder, 'dist', 'icon.svg'), '<svg/>');
  writeFileSync(join(folder, 'dist', 'index.html'), page);
}

const get = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: 'manual', ...init });
const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** As no client would write it. */
function raw(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('the web UI', () => {
  it('is one page, asked for anew each time, that no other page may frame and whose scripts come from here alone', async () => {
    const response = await get('/admin/', { headers: html });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(PAGE);
    const { headers } = response;
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-cache');
    const policy = headers.get('content-security-policy');
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('permissions-policy')).toContain('camera=()');
  });

  it('is the page for every view of its own, whatever a topic in it is called', async () => {
    for (const path of ['/admin/index.html', '/admin/topics/orders.created', '/admin/messages?id=a%2Fb']) {
      expect(await (await get(path, { headers: html })).text(), path).toBe(PAGE);
    }
  });

  it('is found without the last slash', async () => {
    const response = await get('/admin');
    expect(response.status).toBe(308);
    expect(response.headers.get('location')).toBe('/admin/');
  });

  it('has files that are named by their content and kept for ever, and none by a wrong name', async () => {
    const response = await get('/admin/assets/index-Ab1.js');
    expect(await response.text()).toBe(SCRIPT);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await get('/admin/assets/index-Old.js', { headers: html })).status).toBe(404);
    expect((await get('/admin/no-icon.png', { headers: { accept: 'image/*' } })).status).toBe(404);
  });

  it('is compressed for who takes that, and not sent again to who has it', async () => {
    const zipped = await get('/admin/assets/index-Ab1.js', { headers: { 'accept-encoding': 'gzip, br' } });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(Number(zipped.headers.get('content-length'))).toBeLessThan(SCRIPT.length);
    const plain = await get('/admin/assets/index-Ab1.js', { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    const etag = plain.headers.get('etag') ?? '';
    const again = await get('/admin/assets/index-Ab1.js', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  it('answers HEAD with the headers of GET', async () => {
    const response = await get('/admin/icon.svg', { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('image/svg+xml');
    expect(response.headers.get('content-length')).toBe('6');
    expect(await response.text()).toBe('');
  });

  it.each([
    '/admin/../secret',
    '/admin/..%2fsecret',
    '/admin/%2e%2e/secret',
    '/admin/assets/../../secret',
    '/admin/..\\secret',
    '/admin//etc/passwd',
    '/admin/assets/%00',
  ])('leads nowhere else: %s', async (path) => {
    const answer = await raw(path);
    expect(answer).not.toContain('\r\n\r\nsecret');
    expect(answer).toMatch(/^HTTP\/1.1 (200 OK[\s\S]*Waybill|404|400)/);
  });

  it('follows no link out of its folder', async () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    mkdirSync(join(folder, 'dist'));
    symlinkSync(join(folder, 'secret'), join(folder, 'dist', 'link'));
    writeFileSync(join(folder, 'dist', 'index.html'), `${PAGE} anew`);
    expect(await (await get('/admin/link', { headers: html })).text()).toBe(`${PAGE} anew`);
  });

  it('that is built anew, or for the first time, shows without a restart; before, the page says how to build it', async () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    const missing = await get('/admin/', { headers: html });
    expect(missing.status).toBe(503);
    expect(await missing.text()).toContain('npm run build -w admin');
    build('<!doctype html>second');
    expect(await (await get('/admin/', { headers: html })).text()).toBe('<!doctype html>second');
  });
});
