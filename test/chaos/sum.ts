import type { SetReport } from '../support/set-checker.js';

/** Two books as one; what else the first says is kept. */
export function sum<T extends SetReport>(a: T, b: SetReport): T {
  return {
    ...a,
    published: a.published + b.published,
    acked: a.acked + b.acked,
    dead: a.dead + b.dead,
    lost: a.lost + b.lost,
    duplicated: a.duplicated + b.duplicated,
    afterAck: a.afterAck + b.afterAck,
  };
}
