/**
 * Which gateways live and do a job.
 *
 * Failure contract: `announce` rejects while the store is away. A gateway that stops announcing is forgotten after its
 * `ttlMs`; one that leaves, at once.
 */
export interface Membership {
  /** Says that this gateway does the job, for `ttlMs` from now. Answers how many do, itself included. */
  announce(job: string, gateway: string, ttlMs: number): Promise<number>;
  leave(job: string, gateway: string): Promise<void>;
}
