export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The parts of `host:port`, with `[::1]:6379` for IPv6; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]{1,255})):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2];
  const port = Number(match[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

export function validAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

/** The URLs of a list with commas between. A comma that no URL follows is part of the one before it. */
export function splitAmqpUrls(text: string): string[] {
  return text.split(/\s*,\s*(?=amqps?:\/\/)/i);
}

/** Whether the text is an AMQP URL, or several with commas between. */
export function validAmqpUrls(text: string): boolean {
  return splitAmqpUrls(text).every(validAmqpUrl);
}

/**
 * Whether the text is an AMQP URL that every client reads alike. An `@`, `#` or `?` of a password that was not encoded moves
 * the host elsewhere, so what follows the host may hold neither `@` nor `#`. What looks like a list of which only the first
 * has a scheme is refused: its hosts would be one name, or part of the password.
 */
function validAmqpUrl(text: string): boolean {
  const url = parseUrl(text);
  return (
    url !== undefined &&
    (url.protocol === 'amqp:' || url.protocol === 'amqps:') &&
    url.hostname !== '' &&
    !`${url.hostname}${url.pathname}${url.search}`.includes(',') &&
    !/@.*,.*@/.test(text) &&
    isDecodable(`${url.username}${url.password}${url.pathname}`)
  );
}

/** Undefined when the text is no URL, or one whose user part may have ended too early. */
export function parseUrl(text: string): URL | undefined {
  if (/\s/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return /[@#]/.test(`${url.pathname}${url.search}${url.hash}`) ? undefined : url;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
