import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Route, requestPath } from './route.js';
import { type StaticFile, StaticFiles } from './static-files.js';

/** Where the build of the package `admin` is, seen from this one. */
const FOLDER = fileURLToPath(new URL('../../../../admin/dist', import.meta.url));
const PREFIX = '/admin/';
/** Vite names what is in here by its content. */
const HASHED = 'assets/';
const HASHED_CACHE = 'public, max-age=31536000, immutable';

/** Scripts, styles and fonts from this gateway alone, calls to it alone, and no frame around it. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const NOT_BUILT = `<!doctype html>
<html lang="en">
<title>Waybill</title>
<h1>The web UI is not built</h1>
<p>Build it where Waybill was checked out, and load this page again:</p>
<pre>npm ci
npm run build -w admin</pre>
<p>The gateway itself works without it.</p>
</html>
`;

/** The web UI under `/admin/`. Whatever is no file there is one of its views, and gets its page. */
export function adminRoutes(folder = FOLDER): Route[] {
  const files = new StaticFiles(folder);
  return [
    {
      path: PREFIX.slice(0, -1),
      method: 'GET',
      handle(_, response) {
        response.writeHead(308, { location: PREFIX, 'content-length': 0 }).end();
      },
    },
    { path: `${PREFIX}*`, method: 'GET', handle: (request, response) => answer(files, request, response) },
  ];
}

async function answer(files: StaticFiles, request: IncomingMessage, response: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const path = (requestPath(request.url ?? '') ?? '').slice(PREFIX.length);
  const named = path === '' ? undefined : await files.get(path);
  if (named !== undefined) {
    send(request, response, named, path.startsWith(HASHED) ? HASHED_CACHE : 'no-cache');
    return;
  }
  if (path.startsWith(HASHED) || !takesPage(request)) {
    plain(response, 404, 'text/plain; charset=utf-8', 'no such file');
    return;
  }
  const page = await files.get('index.html');
  if (page !== undefined) send(request, response, page, 'no-cache');
  else plain(response, 503, 'text/html; charset=utf-8', NOT_BUILT);
}

function takesPage({ headers }: IncomingMessage): boolean {
  const { accept = '*/*' } = headers;
  return accept === '*/*' || accept.includes('text/html');
}

function send(request: IncomingMessage, response: ServerResponse, file: StaticFile, cache: string): void {
  const { type, bytes, gzipped, etag } = file;
  response.setHeader('cache-control', cache);
  response.setHeader('etag', etag);
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const zipped = gzipped !== undefined && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  if (zipped) response.setHeader('content-encoding', 'gzip');
  const body = zipped ? gzipped : bytes;
  response.writeHead(200, { 'content-type': type, 'content-length': body.length }).end(body);
}

function plain(response: ServerResponse, status: number, type: string, text: string): void {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(text);
}
