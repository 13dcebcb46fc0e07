import type { EventEmitter } from 'node:events';
import type { handleUnaryCall, ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { BusError } from '../../model/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Service } from '../../ports/service.js';
import type { RpcService } from '../grpc/server.js';
import { refuseStream, toServiceError } from '../grpc/status.js';
import { type Access, addressOf, type Caller } from './access.js';
import { ANYBODY, Principal } from './principal.js';
import type { RateLimit } from './rate-limit.js';
import { type Rule, rulesOf } from './rules.js';
import { Stays } from './stays.js';

/** Says who makes a call, to the services behind the guard. */
export interface Callers {
  of(call: object): Principal;
}

interface Parts {
  readonly access: Access;
  /** Calls and opened streams of each client. */
  readonly calls: RateLimit;
  /** Messages that each client publishes. */
  readonly messages: RateLimit;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Handler = UntypedServiceImplementation[string];
type StreamCall = Caller & EventEmitter & { readonly cancelled: boolean; readonly request?: unknown };
type UnaryCall = ServerUnaryCall<unknown, unknown>;

/**
 * Stands before every service, whichever port its calls come by: no handler is called unless its caller is known and may call it.
 * A call that goes on for long ends soon after its caller's credential does.
 */
export class Guard implements Callers, Service {
  readonly #principals = new WeakMap<object, Principal>();
  readonly #stays: Stays;

  constructor(private readonly parts: Parts) {
    this.#stays = new Stays(parts.clock);
    parts.access.onChanged(() => this.#stays.sweep());
  }

  async start(): Promise<void> {
    this.#stays.start();
  }

  async stop(): Promise<void> {
    this.#stays.stop();
  }

  /** Throws for a call that did not come through here: it would be nobody's. */
  of(call: object): Principal {
    const principal = this.#principals.get(call);
    if (principal !== undefined) return principal;
    if (!this.parts.access.asks) return ANYBODY;
    throw new Error('a call came past the guard');
  }

  /** For a page that names everything. Rejects with UNAUTHENTICATED, PERMISSION_DENIED or RATE_LIMITED. */
  async admitReader(caller: Caller): Promise<void> {
    const principal = await this.parts.access.authenticate(caller);
    principal.requireEverything('read');
  }

  /** What a consumer is called that gives itself a name, or none. */
  consumerNameOf(call: Caller): (given: string) => string {
    return (given) => this.of(call).consumerName(given, call.getPeer());
  }

  /** Throws RATE_LIMITED. */
  countMessages(call: Caller, count: number): void {
    if (this.parts.messages.limits) this.parts.messages.take(this.#clientOf(call), count);
  }

  /** The same, answered: for requests that are answered message by message. */
  messagesLimited(call: Caller, count: number): BusError | undefined {
    try {
      this.countMessages(call, count);
      return undefined;
    } catch (error) {
      return BusError.from(error);
    }
  }

  /** Where nobody is asked who they are, an address is a client. */
  #clientOf(call: Caller): string {
    const { name } = this.of(call);
    return name === '' ? addressOf(call.getPeer()) : name;
  }

  protect({ desc, definition, implementation }: RpcService): RpcService {
    const rules = rulesOf(desc);
    const handlers = Object.entries(implementation).map(([name, handler]) => {
      const rule = rules.get(name);
      const method = definition[name];
      if (rule === undefined || method === undefined) throw new Error(`${desc.typeName} has no method ${name}`);
      const streams = method.requestStream || method.responseStream;
      return [name, streams ? this.#stream(rule, handler) : this.#unary(rule, handler)] as const;
    });
    return { desc, definition, implementation: Object.fromEntries(handlers) };
  }

  #unary(rule: Rule, handler: Handler) {
    const handle = handler as handleUnaryCall<unknown, unknown>;
    const admit = (principal: Principal, call: UnaryCall, callback: sendUnaryData<unknown>): void => {
      this.#admit(principal, rule, call);
      handle(call, rule.waits ? this.#stays.unary(principal, call, callback, ended(this.parts.logger)) : callback);
    };
    const refuse = (error: unknown, callback: sendUnaryData<unknown>) =>
      callback(toServiceError(error, this.parts.logger));
    return (call: UnaryCall, callback: sendUnaryData<unknown>): void => {
      try {
        const principal = this.parts.access.authenticate(call);
        if (principal instanceof Principal) admit(principal, call, callback);
        else {
          principal
            .then((verified) => admit(verified, call, callback))
            .catch((error: unknown) => refuse(error, callback));
        }
      } catch (error) {
        refuse(error, callback);
      }
    };
  }

  #stream(rule: Rule, handler: Handler) {
    const handle = handler as (call: StreamCall) => void;
    const admit = (principal: Principal, call: StreamCall): void => {
      this.#admit(principal, rule, call);
      this.#stays.stream(principal, call, ended(this.parts.logger));
      handle(call);
    };
    return (call: StreamCall): void => {
      const refuse = (error: unknown) => refuseStream(call, error, this.parts.logger);
      try {
        const principal = this.parts.access.authenticate(call);
        if (principal instanceof Principal) admit(principal, call);
        else principal.then((verified) => (call.cancelled ? undefined : admit(verified, call))).catch(refuse);
      } catch (error) {
        refuse(error);
      }
    };
  }

  #admit(principal: Principal, rule: Rule, call: Caller & { readonly request?: unknown }): void {
    this.#principals.set(call, principal);
    if (this.parts.calls.limits) this.parts.calls.take(this.#clientOf(call), 1);
    // What cannot be read is answered by the handler as what it is.
    if (!(call.request instanceof BusError)) rule.check(principal, call.request);
  }
}

function ended(logger: Logger) {
  return () => {
    const words = 'the credential of this call has ended: call again with one that is good';
    return toServiceError(new BusError('CREDENTIAL_ENDED', words), logger);
  };
}
