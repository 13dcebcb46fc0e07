import { AccessError, ClosedError, InvalidArgumentError, isRetryable } from '../errors.js';

/**
 * What a failed publish says about its row:
 * - `final`: the bus refuses it, now and later;
 * - `unsure`: perhaps the row's fault, perhaps not, so the tries are counted;
 * - `later`: not the row's fault.
 */
export type Refusal = 'final' | 'unsure' | 'later';

export function refusalOf(error: unknown): Refusal {
  if (error instanceof InvalidArgumentError) return 'final';
  // Who may publish is mended by people: until then nothing is set aside.
  return isRetryable(error) || error instanceof AccessError || error instanceof ClosedError ? 'later' : 'unsure';
}
