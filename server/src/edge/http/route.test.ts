import { describe, expect, it } from 'vitest';
import { type Route, requestPath, routeTable } from './route.js';

const route = (path: string, method: Route['method']): Route => ({ path, method, handle() {} });

describe('a route table', () => {
  it('finds a route by path and method, and answers HEAD by GET', () => {
    const get = route('/a', 'GET');
    const post = route('/a', 'POST');
    const table = routeTable([get, post, route('/b', 'POST')]);
    expect(Object.fromEntries(table.get('/a') ?? [])).toEqual({ GET: get, HEAD: get, POST: post });
    expect(Array.from(table.get('/b')?.keys() ?? [])).toEqual(['POST']);
    expect(table.get('/c')).toBeUndefined();
  });

  it('refuses two routes for one request', () => {
    expect(() => routeTable([route('/a', 'GET'), route('/a', 'GET')])).toThrow('two routes answer GET /a');
  });
});

describe('the path of a request', () => {
  it.each([
    ['/', '/'],
    ['/readyz?x=/y', '/readyz'],
    ['/a#b', '/a'],
    ['//evil/ping', '//evil/ping'],
    ['http://host:1/ping?x', '/ping'],
    ['*', undefined],
    ['', undefined],
    ['host:443', undefined],
  ])('%j is %j', (target, path) => {
    expect(requestPath(target)).toBe(path);
  });
});
