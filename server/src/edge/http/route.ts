import type { IncomingMessage, ServerResponse } from 'node:http';

/** What answers one path. GET covers HEAD; only POST has a body. */
export interface Route {
  /** `/name/*` is every path that begins with `/name/` and has no route of its own. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'OPTIONS';
  /** The answer may be long in coming, or never end: the client is not taken for dead while all that was written has reached it. */
  readonly mayWait?: boolean;
  /** Probes ask for it: a client that should bring a certificate gets this without one. */
  readonly open?: boolean;
  /** What it throws is answered with 500 and an id that is in the log. */
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}

/** Routes by path, then by method. */
export type RouteTable = ReadonlyMap<string, ReadonlyMap<string, Route>>;

export function routeTable(routes: readonly Route[]): RouteTable {
  const table = new Map<string, Map<string, Route>>();
  for (const route of routes) {
    const methods = table.get(route.path) ?? new Map<string, Route>();
    for (const method of route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]) {
      if (methods.has(method)) throw new Error(`two routes answer ${method} ${route.path}`);
      methods.set(method, route);
    }
    table.set(route.path, methods);
  }
  return table;
}

/** The routes of a path, by method. */
export function routesOf(table: RouteTable, path: string): ReadonlyMap<string, Route> | undefined {
  return table.get(path) ?? table.get(path.replace(/^(\/[^/]+\/).*$/, '$1*'));
}

/** The path that a request line asks for; undefined when it asks for none, as `OPTIONS *` does. */
export function requestPath(target: string): string | undefined {
  // Proxies may send the whole URL.
  const text = /^https?:/i.test(target) && URL.canParse(target) ? new URL(target).pathname : target;
  return text.startsWith('/') ? text.replace(/[?#].*$/, '') : undefined;
}
