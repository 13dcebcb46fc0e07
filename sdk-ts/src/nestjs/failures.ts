import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';
import { RetryAfter, UnrecoverableError } from '../consumer/handler-errors.js';
import { ReplyError } from '../request/reply-error.js';
import { WaybillContext } from './context.js';

/**
 * Lets RetryAfter, UnrecoverableError and ReplyError of a handler reach the bus: Nest's exception filters would make an "Internal server error" of them.
 *
 * `WaybillModule` sets it up for the whole application. An application that is HTTP first gives it to the transport with
 * `connectMicroservice(…, { inheritAppConfig: true })`, or names it at the controller: `@UseInterceptors(WaybillFailures)`.
 */
export class WaybillFailures implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const context: unknown = execution.getType() === 'rpc' ? execution.switchToRpc().getContext() : undefined;
    if (!(context instanceof WaybillContext)) return next.handle();
    return next.handle().pipe(tap({ error: (error: unknown) => context.failed(error) }));
  }
}

/** The error that decides what becomes of an event: the handler's own where it is known, in words for the ledger in any case. */
export function eventFailure(context: WaybillContext, thrown: unknown): unknown {
  const spoken = spokenError(context, thrown);
  if (spoken !== undefined) return spoken;
  const original = context.failure ?? thrown;
  return original instanceof Error ? original : new Error(textOf(original), { cause: original });
}

/** The error that answers a request: what the exception filters made of it is what the other side may know. */
export function requestFailure(context: WaybillContext, thrown: unknown): unknown {
  const spoken = spokenError(context, thrown);
  if (spoken !== undefined) return spoken;
  return thrown instanceof Error ? thrown : new ReplyError(textOf(thrown), thrown);
}

function spokenError(context: WaybillContext, thrown: unknown): Error | undefined {
  for (const error of [thrown, context.failure]) {
    if (error instanceof RetryAfter || error instanceof UnrecoverableError || error instanceof ReplyError) return error;
  }
  return undefined;
}

function textOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string') {
    return error.message;
  }
  return JSON.stringify(error) ?? String(error);
}
