/** What stands around a body in its statement: key, terms, the reason of a dead letter. */
const AROUND_BYTES = 65_536;

/**
 * Why the server cannot keep every message that may be published, in words for whoever sets both; undefined: it can. A body is written
 * as hex digits, so it takes twice its size.
 */
export function packetProblem(packetBytes: number, maxMessageBytes: number): string | undefined {
  const needed = 2 * maxMessageBytes + AROUND_BYTES;
  if (packetBytes >= needed) return undefined;
  return `messages of up to ${maxMessageBytes} bytes are accepted (config MaxMessageBytes), but not every one can be kept for a retry, a delay or as a dead letter: raise MySQL's max_allowed_packet from ${packetBytes} to at least ${needed} bytes, or lower MaxMessageBytes`;
}
