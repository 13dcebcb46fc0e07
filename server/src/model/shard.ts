/** The schedule is spread over this many shards, so that gateways can share the due work. */
export const SHARDS = 64;

/** Which of the schedule's 64 shards an id belongs to: FNV-1a over its characters. */
export function shardOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
}
