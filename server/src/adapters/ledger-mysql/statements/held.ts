export type HeldState = 'delayed' | 'retry' | 'leased' | 'parked' | 'dead';

/** As the table stores them. */
export const HELD_CODE: Readonly<Record<HeldState, number>> = { delayed: 1, retry: 2, leased: 3, parked: 4, dead: 5 };
