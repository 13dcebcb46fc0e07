import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceDefinition,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Caller } from './caller.js';
import { CANCELLED, type CallStatus, OK, statusOf } from './status.js';
import { StreamCall, type StreamListener } from './stream-call.js';
import { UnaryCall } from './unary-call.js';

interface Method {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handler: UntypedHandleCall;
}

/** Ends a call that is under way; later it does nothing. */
export type Cancel = (status?: CallStatus) => void;
/** Called once: a response comes with OK alone. */
export type Done = (status: CallStatus, response?: Buffer) => void;

/**
 * The services of the gRPC port, called without it: the same handlers, and the same bytes read and written by the same code.
 */
export class DirectServices {
  readonly #methods = new Map<string, Method>();

  constructor(
    services: readonly {
      readonly definition: ServiceDefinition;
      readonly implementation: UntypedServiceImplementation;
    }[],
  ) {
    for (const { definition, implementation } of services) {
      for (const [name, method] of Object.entries(definition)) {
        // As grpc-js looks for it.
        const handler = implementation[name] ?? implementation[method.originalName ?? ''];
        if (handler !== undefined) this.#methods.set(method.path, { definition: method, handler });
      }
    }
  }

  unary(path: string, request: Buffer, caller: Caller, done: Done): Cancel {
    let over = false;
    const finish: Done = (status, response) => {
      if (over) return;
      over = true;
      done(status, response);
    };
    try {
      const method = this.#find(path);
      if (!isUnary(method)) throw new Error(`${path} is no unary method`);
      const { definition, handler } = method;
      const call = new UnaryCall(path, definition.requestDeserialize(request), caller);
      handler(call, (error, response, trailers) => {
        if (error !== null) finish(statusOf(error, trailers));
        else finish(OK, definition.responseSerialize(response));
      });
      return (status = CANCELLED) => {
        if (over) return;
        call.cancel();
        finish(status);
      };
    } catch {
      finish(BROKEN);
      return () => {};
    }
  }

  /** A method that answers by a stream; `request` is the one of a method that takes no stream. Throws where there is no such method. */
  stream(path: string, caller: Caller, listener: StreamListener, request?: Buffer): StreamCall {
    const method = this.#find(path);
    const { definition } = method;
    const first = request === undefined ? undefined : definition.requestDeserialize(request);
    const call = new StreamCall(definition, first, caller, listener);
    if (isBidi(method)) method.handler(call);
    else if (isServerStreaming(method)) method.handler(call);
    else throw new Error(`${path} answers by no stream`);
    return call;
  }

  #find(path: string): Method {
    const method = this.#methods.get(path);
    if (method === undefined) throw new Error(`there is no method ${path}`);
    return method;
  }
}

/** A handler of ours never throws: what another one threw is not for its caller. */
const BROKEN: CallStatus = { code: status.INTERNAL, details: 'the call failed', metadata: undefined };

/** What a handler takes follows from the method's definition. */
function isUnary(method: Method): method is Method & { readonly handler: handleUnaryCall<unknown, unknown> } {
  return !method.definition.requestStream && !method.definition.responseStream;
}

function isServerStreaming(
  method: Method,
): method is Method & { readonly handler: handleServerStreamingCall<unknown, unknown> } {
  return !method.definition.requestStream && method.definition.responseStream;
}

function isBidi(method: Method): method is Method & { readonly handler: handleBidiStreamingCall<unknown, unknown> } {
  return method.definition.requestStream && method.definition.responseStream;
}
