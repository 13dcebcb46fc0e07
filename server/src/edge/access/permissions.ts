import { covers } from '../../model/topic.js';

/**
 * What a principal may do with the topics and channels of a grant:
 *
 * - `publish`: publish to a topic, cancel and reschedule what waits for it.
 * - `consume`: subscribe to a channel, pull from it, and settle what came from it.
 * - `read`: see a topic and its channels, in lists, searches and figures, with the bodies of messages.
 * - `admin`: change them, and see them.
 * - `locks`: acquire, renew and release locks, by their names.
 */
export const RIGHTS = ['publish', 'consume', 'read', 'admin', 'locks'] as const;
export type Right = (typeof RIGHTS)[number];

/** Patterns, by AMQP's rule, of topics (or locks) and of their channels. */
export interface Grant {
  readonly topic: string;
  readonly channel: string;
}

export type Grants = Readonly<Record<Right, readonly Grant[]>>;

const EVERY: Grant = { topic: '#', channel: '#' };
export const NO_GRANTS: Grants = { publish: [], consume: [], read: [], admin: [], locks: [] };
export const ALL_GRANTS: Grants = {
  publish: [EVERY],
  consume: [EVERY],
  read: [EVERY],
  admin: [EVERY],
  locks: [EVERY],
};

/** Decisions that are kept; past it they are made anew. */
const MAX_DECIDED = 10_000;

/** Grants, and what was decided by them. Names are checked by their own rules before they come here. */
export class Permissions {
  readonly #grants: Grants;
  readonly #everything: ReadonlySet<Right>;
  readonly #decided = new Map<string, boolean>();

  constructor(grants: Grants) {
    this.#grants = { ...grants, read: [...grants.read, ...grants.admin] };
    this.#everything = new Set(RIGHTS.filter((right) => this.#grants[right].some(isEvery)));
  }

  /** Whether it holds for every topic and channel, or every lock. */
  everything(right: Right): boolean {
    return this.#everything.has(right);
  }

  /** Whether it holds for anything at all. */
  some(right: Right): boolean {
    return this.#grants[right].length > 0;
  }

  /** For a topic or a lock by its name, whatever its channels; for a pattern, for all that it matches. */
  topic(right: Right, name: string): boolean {
    return this.#decide(right, name, '', (grant) => covers(grant.topic, name));
  }

  /** For one channel; that of a pattern, for all that the pattern matches. */
  channel(right: Right, topic: string, name: string): boolean {
    return this.#decide(right, topic, name, (grant) => covers(grant.channel, name) && covers(grant.topic, topic));
  }

  /** For every channel that the topic has or may get. */
  channels(right: Right, topic: string): boolean {
    return this.channel(right, topic, '#');
  }

  #decide(right: Right, topic: string, channel: string, allows: (grant: Grant) => boolean): boolean {
    if (this.#everything.has(right)) return true;
    const key = `${right} ${topic}/${channel}`;
    const known = this.#decided.get(key);
    if (known !== undefined) return known;
    const decision = this.#grants[right].some(allows);
    if (this.#decided.size >= MAX_DECIDED) this.#decided.clear();
    this.#decided.set(key, decision);
    return decision;
  }
}

function isEvery({ topic, channel }: Grant): boolean {
  return covers(topic, '#') && covers(channel, '#');
}
