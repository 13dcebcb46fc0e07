import type { Dependency } from '../../ports/service.js';
import { answerJson, answerText } from './answer.js';
import type { Route } from './route.js';

export interface HealthSources {
  readonly dependencies: readonly Pick<Dependency, 'name' | 'health'>[];
  /** Whether the gateway is going away. */
  draining(): boolean;
}

/**
 * - `/` and `/ping` answer as the original event-bus does; `/` sends a browser to the web UI.
 * - `/healthz`: 200 while the process lives, whatever else is away: restarting it would not bring that back.
 * - `/readyz`: 200 when every dependency works and the gateway is not draining, else 503; the body says which and why.
 */
export function healthRoutes({ dependencies, draining }: HealthSources): Route[] {
  return [
    {
      path: '/',
      method: 'GET',
      open: true,
      handle(request, response) {
        response.setHeader('vary', 'accept');
        if (!request.headers.accept?.includes('text/html')) answerJson(response, 200, { success: true });
        else response.writeHead(302, { location: '/admin/', 'content-length': 0 }).end();
      },
    },
    { path: '/ping', method: 'GET', open: true, handle: (_, response) => answerText(response, 200, 'pong') },
    {
      path: '/healthz',
      method: 'GET',
      open: true,
      handle: (_, response) => answerJson(response, 200, { alive: true }),
    },
    {
      path: '/readyz',
      method: 'GET',
      open: true,
      handle(_, response) {
        const states = dependencies.map((dependency) => [dependency.name, dependency.health() ?? 'ok'] as const);
        const ready = !draining() && states.every(([, state]) => state === 'ok');
        const body = { ready, draining: draining(), dependencies: Object.fromEntries(states) };
        answerJson(response, ready ? 200 : 503, body);
      },
    },
  ];
}
