import type { ServerUnaryCall } from '@grpc/grpc-js';

/** The share of a call's time that is kept for the way back, so that the answer comes before the client gives up. */
const MARGIN = 0.1;
const MAX_MARGIN_MS = 250;

/** When a call must be answered, in Unix milliseconds: a little before its own deadline, or after `defaultMs` where it has none. */
export function deadlineOf(call: { getDeadline(): Date | number }, now: number, defaultMs: number): number {
  const deadline = Number(call.getDeadline());
  if (!Number.isFinite(deadline)) return now + defaultMs;
  return deadline - Math.min(MAX_MARGIN_MS, Math.max(0, deadline - now) * MARGIN);
}

/** Aborted when the client cancels the call, or its connection ends. */
export function abortControllerOf(call: ServerUnaryCall<unknown, unknown>): AbortController {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  else call.once('cancelled', () => controller.abort());
  return controller;
}
