import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface CurlAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The real curl, with these arguments. */
export async function curl(...args: string[]): Promise<CurlAnswer> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--include', '--max-time', '30', ...args]);
  const end = stdout.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = stdout.slice(0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1]), headers: new Map(headers), body: stdout.slice(end + 4) };
}

/** A call as JSON, as docs/http.md shows it. */
export function curlCall(url: string, method: string, request: object, ...args: string[]): Promise<CurlAnswer> {
  return curl('-H', 'content-type: application/json', '-d', JSON.stringify(request), ...args, `${url}/${method}`);
}
