import type { Random } from './random.js';

/** What is written to a fresh connection of the HTTP port, chunk by chunk. */
export type HttpAttack = (random: Random) => Buffer[];

const PATHS = ['/', '/ping', '/healthz', '/readyz', '/nothing'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', ''];

const text = (...lines: string[]) => [Buffer.from(lines.join('\r\n'))];
const good = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

export const HTTP_ATTACKS: Readonly<Record<string, HttpAttack>> = {
  'random bytes': (random) => [random.bytes(1 + random.int(4_000))],
  'a random request line': (random) => text(random.text(1 + random.int(200)), 'host: localhost', '', ''),
  'a random method and path': (random) =>
    text(
      `${random.pick(METHODS)} ${random.pick([...PATHS, '*', '//', '/%00', '/..', 'http://[::1', 'http://a/ping', random.text(30)])} HTTP/1.1`,
      'host: localhost',
      '',
      '',
    ),
  'a strange version': (random) =>
    text(
      `GET /ping ${random.pick(['HTTP/0.9', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'HTTPS/1.1', ''])}`,
      'host: localhost',
      '',
      '',
    ),
  'a path without an end': (random) => [Buffer.from('GET /'), Buffer.alloc(random.int(60_000), 0x61)],
  'random headers': (random) =>
    text(
      'GET /ping HTTP/1.1',
      ...Array.from({ length: random.int(30) }, () => `${random.text(5)}:${random.text(20)}`),
      '',
      '',
    ),
  'too many headers': () => text('GET /ping HTTP/1.1', ...Array.from({ length: 3_000 }, (_, i) => `h${i}: v`), '', ''),
  'too large a header': () => text('GET /ping HTTP/1.1', `h: ${'v'.repeat(100_000)}`, '', ''),
  'a body that nobody wants': (random) =>
    text(
      'GET /ping HTTP/1.1',
      'host: localhost',
      `content-length: ${random.pick(['5', '99999999999', '-1', '1e9', 'x'])}`,
      '',
      'hello',
    ),
  'two lengths': () =>
    text(
      'POST /ping HTTP/1.1',
      'host: localhost',
      'content-length: 5',
      'transfer-encoding: chunked',
      '',
      '0',
      '',
      good('/ping'),
    ),
  'broken chunks': (random) => [
    ...text('POST /ping HTTP/1.1', 'host: localhost', 'transfer-encoding: chunked', '', ''),
    Buffer.from(`${random.pick(['zz', 'ffffffffffffffffff', '-5', '5'])}\r\n`),
    random.bytes(random.int(200)),
  ],
  'a pipeline of good and bad': (random) => {
    return Array.from({ length: 50 }, () => Buffer.from(random.once(20) ? random.text(30) : good(random.pick(PATHS))));
  },
  'an upgrade': (random) =>
    text(
      'GET /ping HTTP/1.1',
      'host: localhost',
      'connection: upgrade',
      `upgrade: ${random.pick(['h2c', 'websocket', random.text(9)])}`,
      '',
      '',
    ),
  'an expectation': (random) =>
    text(
      'POST /ping HTTP/1.1',
      'host: localhost',
      `expect: ${random.pick(['100-continue', '200-ok'])}`,
      'content-length: 3',
      '',
      '',
    ),
  'HTTP/2': () => text('PRI * HTTP/2.0', '', 'SM', '', ''),
};
