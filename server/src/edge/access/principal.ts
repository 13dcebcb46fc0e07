import { EVERYTHING, type Sight } from '../../bus/admin/sight.js';
import type { PublishRefusal } from '../../bus/publish-request.js';
import { BusError } from '../../model/errors.js';
import { checkChannel, checkPattern, isPattern, MAX_TOPIC_LENGTH } from '../../model/topic.js';
import { ALL_GRANTS, Permissions, type Right } from './permissions.js';

export interface PrincipalFacts {
  /** Who it is, for the audit log and the ledger; empty for everybody, where nobody is asked. */
  readonly name: string;
  readonly permissions: Permissions;
  /** Unix milliseconds; undefined: it does not run out. */
  readonly expiresAt?: number;
  /** What it came by, where others came by the same: they are revoked together. */
  readonly source?: Source;
}

export interface Source {
  revoked: boolean;
}

/** Who calls, and what they may do. One is made for a credential, and kept as long as that is good. */
export class Principal {
  readonly name: string;
  readonly permissions: Permissions;
  readonly expiresAt: number;
  /** For every message that is published; undefined: to any topic it may be. */
  readonly publishRefusal: PublishRefusal | undefined;
  readonly #source: Source;

  constructor({ name, permissions, expiresAt = Number.POSITIVE_INFINITY, source }: PrincipalFacts) {
    this.name = name;
    this.permissions = permissions;
    this.expiresAt = expiresAt;
    this.publishRefusal = permissions.everything('publish') ? undefined : (topic, field) => this.#refusal(topic, field);
    this.#source = source ?? { revoked: false };
  }

  /** Its credential is not good any more. */
  revoke(): void {
    this.#source.revoked = true;
  }

  isGood(now: number): boolean {
    return !this.#source.revoked && now < this.expiresAt;
  }

  /** Throws PERMISSION_DENIED unless the right is there for something. */
  requireSome(right: Right): void {
    if (!this.permissions.some(right)) throw denied(`this caller may ${WORDS[right]} nothing`);
  }

  /** Throws PERMISSION_DENIED unless the right is there for everything. */
  requireEverything(right: Right): void {
    if (this.permissions.everything(right)) return;
    throw denied(`this takes the right to ${WORDS[right]} everything (${right}: '#')`);
  }

  /** Throws PERMISSION_DENIED, whether or not there is such a topic; or TOPIC_INVALID. */
  requireTopic(right: Right, topic: string, field: string): void {
    if (this.permissions.everything(right)) return;
    checkPattern(topic, field);
    if (!this.permissions.topic(right, topic)) throw deniedFor(right, topic, field);
  }

  /** The same for a channel. */
  requireChannel(right: Right, topic: string, channel: string, field: string): void {
    if (this.permissions.everything(right)) return;
    checkPattern(topic, field);
    checkChannel(channel, 'channel');
    if (!this.permissions.channel(right, topic, channel)) throw deniedFor(right, `${topic}/${channel}`, field);
  }

  /** The same for every channel of the topic. */
  requireChannels(right: Right, topic: string, field: string): void {
    if (this.permissions.everything(right)) return;
    checkPattern(topic, field);
    if (!this.permissions.channels(right, topic)) throw deniedFor(right, topic, field);
  }

  /** The same for a lock. */
  requireLock(name: string, field: string): void {
    if (this.permissions.everything('locks')) return;
    const named = name.length > 0 && name.length <= MAX_TOPIC_LENGTH && !isPattern(name);
    if (!named || !this.permissions.topic('locks', name)) throw deniedFor('locks', named ? name : '', field);
  }

  /** Whoever may take a lock sees who has it. */
  seesLock(name: string): boolean {
    return this.permissions.topic('locks', name);
  }

  /** What of topics and channels the right is there for. */
  sight(right: 'read' | 'admin'): Sight {
    const { permissions } = this;
    if (permissions.everything(right)) return EVERYTHING;
    return {
      everything: false,
      // Changing a topic changes all of its channels; whoever sees one of them knows its name.
      topic: (name) => (right === 'admin' ? permissions.channels(right, name) : permissions.topic(right, name)),
      channel: (topic, name) => permissions.channel(right, topic, name),
    };
  }

  /** What a consumer is called in the ledger: nobody can take another's name by giving it. */
  consumerName(given: string, peer: string): string {
    if (this.name === '') return given === '' ? peer : given;
    return given === '' ? this.name : `${this.name}/${given}`;
  }

  #refusal(topic: string, field: string): BusError | undefined {
    // A name that is none is told to be none, by the rules of messages.
    if (topic.length === 0 || topic.length > MAX_TOPIC_LENGTH || isPattern(topic)) return undefined;
    return this.permissions.topic('publish', topic) ? undefined : deniedFor('publish', topic, field);
  }
}

/** Everybody, where nobody is asked who they are. */
export const ANYBODY = new Principal({ name: '', permissions: new Permissions(ALL_GRANTS) });

const WORDS: Readonly<Record<Right, string>> = {
  publish: 'publish to',
  consume: 'consume',
  read: 'see',
  admin: 'change',
  locks: 'lock',
};

function deniedFor(right: Right, what: string, field: string): BusError {
  const words = what === '' ? 'this' : `"${what}"`;
  return denied(`this caller may not ${WORDS[right]} ${words}`, field);
}

function denied(words: string, field?: string): BusError {
  return new BusError('PERMISSION_DENIED', words, field === undefined ? {} : { field });
}
