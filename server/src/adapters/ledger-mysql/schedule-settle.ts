import type { SettledClaim } from '../../ports/schedule.js';
import type { Session } from './session.js';
import { park } from './statements/claims.js';
import { recordEnd } from './statements/endings.js';
import { byKey, type Keyed, keyed } from './statements/keys.js';
import { asciiLiteral } from './statements/literals.js';
import { forget } from './statements/schedule.js';
import { forgetTerms } from './statements/terms.js';

interface Group {
  readonly how: SettledClaim['how'];
  readonly claim: string;
  readonly keys: Keyed[];
  /** Those of `keys` that have search terms. */
  readonly indexed: Keyed[];
}

const STATEMENT_ROWS = 1_000;

/** Settles claims, each only while its row is still its own. Runs in a transaction, which is safe to repeat. */
export async function settleClaims(
  session: Session,
  settled: readonly SettledClaim[],
  topicIds: readonly number[],
  now: number,
): Promise<void> {
  for (const { how, claim, keys, indexed } of groupsOf(settled, topicIds)) {
    keys.sort(byKey);
    const owned = `claim = ${asciiLiteral(claim)}`;
    // While the row is there to tell whose it is.
    if (how === 'published') await forgetTerms(session, indexed.sort(byKey), heldUnder(claim));
    for (let from = 0; from < keys.length; from += STATEMENT_ROWS) {
      await settleRows(session, keys.slice(from, from + STATEMENT_ROWS), how, owned, now);
    }
  }
}

async function settleRows(
  session: Session,
  keys: readonly Keyed[],
  how: SettledClaim['how'],
  owned: string,
  now: number,
): Promise<void> {
  switch (how) {
    case 'parked':
      return park(session, keys, owned);
    case 'expired':
      await recordEnd(session, keys, owned, 'expired', now);
      await forget(session, keys, owned);
      return;
    case 'published':
      await forget(session, keys, owned);
  }
}

/** One claim settles in few ways, and a call brings few claims. */
function groupsOf(settled: readonly SettledClaim[], topicIds: readonly number[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  settled.forEach(({ due, how, indexed = false }, i) => {
    const name = `${how}/${due.claim}`;
    const group = groups.get(name) ?? { how, claim: due.claim, keys: [], indexed: [] };
    groups.set(name, group);
    const key = keyed(due.channel ?? 0, topicIds[i] ?? 0, due.message.id);
    group.keys.push(key);
    if (indexed) group.indexed.push(key);
  });
  return groups.values();
}

/** A claim that was lost settles nothing: its message waits under somebody else's, or again. */
function heldUnder(claim: string): string {
  return `EXISTS (SELECT 1 FROM schedule s WHERE s.channel_id = t.channel_id AND s.topic_id = t.topic_id
    AND s.message_id = t.message_id AND s.claim = ${asciiLiteral(claim)})`;
}
