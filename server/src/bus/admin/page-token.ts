import { BusError } from '../../model/errors.js';
import { isVisibleAscii } from '../../model/message-codec.js';
import type { Position } from '../../ports/page.js';

const MAX_LENGTH = 512;

/**
 * Where a list goes on, as text for a client that is to hand it back unread. It carries a fingerprint of the request, since in
 * another list the same place would leave out rows in silence.
 */
export function formatPageToken(position: Position | undefined, request: unknown): string {
  if (position === undefined) return '';
  const { time, channel, topic, id } = position;
  return Buffer.from(JSON.stringify([fingerprint(request), time, channel, topic, id])).toString('base64url');
}

/** Undefined for the first page. Throws PAGE_INVALID for what `formatPageToken` did not give for this request. */
export function parsePageToken(token: string, request: unknown): Position | undefined {
  if (token === '') return undefined;
  const parts = token.length > MAX_LENGTH ? undefined : partsOf(token);
  if (parts === undefined) throw invalid('is no token of a list');
  const [print, time, channel, topic, id] = parts;
  const numbers = [time, channel, topic].every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
  if (parts.length !== 5 || typeof id !== 'string' || !numbers) throw invalid('is no token of a list');
  if (id !== '' && !isVisibleAscii(id, MAX_LENGTH)) throw invalid('is no token of a list');
  if (print !== fingerprint(request)) throw invalid('belongs to a request with other fields');
  return { time: Number(time), channel: Number(channel), topic: Number(topic), id };
}

function partsOf(token: string): unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

/** FNV-1a. */
function fingerprint(request: unknown): number {
  const text = JSON.stringify(request);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function invalid(what: string): BusError {
  const limit = 'the next_page_token of the page before';
  return new BusError('PAGE_INVALID', `page_token ${what}: it takes ${limit}`, { field: 'page_token', limit });
}
