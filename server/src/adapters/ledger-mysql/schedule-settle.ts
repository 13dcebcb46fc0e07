import type { Schedule } from '../../ports/schedule.js';
import type { Session } from './session.js';
import { park } from './statements/claims.js';
import { recordEnd } from './statements/endings.js';
import { byKey, type Keyed, keyed } from './statements/keys.js';
import { asciiLiteral } from './statements/literals.js';
import { forget } from './statements/schedule.js';

type Settled = Parameters<Schedule['settle']>[0][number];

interface Group {
  readonly how: Settled['how'];
  readonly claim: string;
  readonly keys: Keyed[];
}

const STATEMENT_ROWS = 1_000;

/** Settles claims, each only while its row is still its own. Runs in a transaction, which is safe to repeat. */
export async function settleClaims(
  session: Session,
  settled: readonly Settled[],
  topicIds: readonly number[],
  now: number,
): Promise<void> {
  for (const { how, claim, keys } of groupsOf(settled, topicIds)) {
    keys.sort(byKey);
    for (let from = 0; from < keys.length; from += STATEMENT_ROWS) {
      await settleRows(session, keys.slice(from, from + STATEMENT_ROWS), how, `claim = ${asciiLiteral(claim)}`, now);
    }
  }
}

async function settleRows(
  session: Session,
  keys: readonly Keyed[],
  how: Settled['how'],
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
function groupsOf(settled: readonly Settled[], topicIds: readonly number[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  settled.forEach(({ due, how }, i) => {
    const name = `${how}/${due.claim}`;
    const group = groups.get(name) ?? { how, claim: due.claim, keys: [] };
    groups.set(name, group);
    group.keys.push(keyed(due.channel ?? 0, topicIds[i] ?? 0, due.message.id));
  });
  return groups.values();
}
