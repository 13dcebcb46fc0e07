import type { Route } from './route.js';

export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `/metrics`, in the text format of Prometheus. */
export function metricsRoute(page: MetricsPage): Route {
  return {
    path: '/metrics',
    method: 'GET',
    async handle(_, response) {
      const body = await page.text();
      response.writeHead(200, {
        'content-type': page.contentType,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(body);
    },
  };
}
