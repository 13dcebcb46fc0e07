import { fits } from '../local/names.js';
import type { PublishedMessage } from './published-message.js';

/** How many bodies a text shows. */
const SHOWN = 5;

/** Says what was published instead of one message on a topic. */
export function notOne(topic: string, published: readonly PublishedMessage[]): Error {
  const here = published.filter((message) => fits(topic, message.topic));
  if (here.length > 1) {
    return new Error(`${here.length} messages were published on "${topic}", and one was expected:${listOf(here)}`);
  }
  if (published.length === 0) return new Error(`nothing was published on "${topic}", nor on any other topic`);
  return new Error(`nothing was published on "${topic}"; this was published:${listOf(published)}`);
}

function listOf(messages: readonly PublishedMessage[]): string {
  const lines = messages.slice(0, SHOWN).map(({ topic, body }) => {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
    return `\n  ${topic}: ${text.length <= 120 ? text : `${text.slice(0, 120)}…`}`;
  });
  const more = messages.length - lines.length;
  return lines.join('') + (more > 0 ? `\n  and ${more} more` : '');
}
