/** One thing that was looked at. */
export interface Check {
  /** `config`, `mysql clock`, … */
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found. No secrets. */
  readonly found: string;
  /** What to do about it; empty where nothing is to be done. */
  readonly advice: string;
}

export const ok = (name: string, found: string): Check => ({ name, state: 'ok', found, advice: '' });
export const warn = (name: string, found: string, advice: string): Check => ({ name, state: 'warn', found, advice });
export const fail = (name: string, found: string, advice: string): Check => ({ name, state: 'fail', found, advice });

/** How far two clocks may be apart: due times and leases are counted by the gateway's. */
const SKEW_WARN_MS = 1_000;
const SKEW_FAIL_MS = 30_000;

/** `asked` and `answered` are our clock around the question, so half of the way is taken out. */
export function clockCheck(name: string, theirs: number, asked: number, answered: number): Check {
  const skew = Math.round(theirs - (asked + answered) / 2);
  // Within the time that the answer took, nothing is known.
  const sure = Math.max(0, Math.abs(skew) - (answered - asked) / 2);
  const found = `${Math.abs(skew)} ms ${skew < 0 ? 'behind' : 'ahead of'} this machine`;
  const advice = 'run a time service (chrony, systemd-timesyncd) on every machine';
  if (sure > SKEW_FAIL_MS) return fail(name, found, advice);
  return sure > SKEW_WARN_MS ? warn(name, found, advice) : ok(name, found);
}

/** `3.10.7` is at least `3.10`. */
export function atLeastVersion(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) =>
    text.split(/[.\-+]/).map((part) => Number.parseInt(part, 10) || 0),
  );
  for (const [at, part] of (want ?? []).entries()) {
    const own = have?.[at] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** Node's error for a host with several addresses has no words, only a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
