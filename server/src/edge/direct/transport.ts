import { Metadata, type MethodDefinition, status } from '@grpc/grpc-js';
import type {
  CallStatus,
  StreamCall as ClientStream,
  StreamListener,
  Transport,
  UnaryCallOptions,
} from '@waybill/sdk/transport';
import type { Caller } from './caller.js';
import type { Cancel, DirectServices } from './services.js';
import { CANCELLED, type CallStatus as Ended } from './status.js';
import type { StreamCall } from './stream-call.js';

/** Who calls, in the ledger and the lists of consumers. */
const PEER = 'in process';
const LATE: Ended = { code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded', metadata: undefined };
/** `setTimeout` knows no more. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** The calls of the SDK to services in the same process. */
export class DirectTransport implements Transport {
  readonly #open = new Set<() => void>();

  constructor(
    private readonly services: DirectServices,
    /** Called once, after every call was ended. */
    private readonly closed: () => Promise<void>,
  ) {}

  stream<I, O>(method: MethodDefinition<I, O>, listener: StreamListener<O>): ClientStream<I> {
    const stream = new DirectStream(this.services, method, {
      message: (response) => listener.message(response),
      ended: (ended) => {
        this.#open.delete(cancel);
        listener.ended(ended);
      },
    });
    const cancel = () => stream.cancel();
    this.#open.add(cancel);
    return stream;
  }

  unary<I, O>(
    method: MethodDefinition<I, O>,
    request: I,
    { deadline }: UnaryCallOptions,
    done: (status: CallStatus, response?: O) => void,
  ): () => void {
    let cancel: Cancel = () => {};
    const abort = () => cancel();
    const timer = setTimeout(() => cancel(LATE), Math.min(deadline - Date.now(), MAX_TIMEOUT_MS));
    this.#open.add(abort);
    cancel = this.services.unary(
      method.path,
      method.requestSerialize(request),
      callerUntil(deadline),
      (ended, response) => {
        clearTimeout(timer);
        this.#open.delete(abort);
        queueMicrotask(() => {
          done(statusFrom(ended), response === undefined ? undefined : method.responseDeserialize(response));
        });
      },
    );
    return abort;
  }

  async close(): Promise<void> {
    for (const cancel of [...this.#open]) cancel();
    await this.closed();
  }
}

/**
 * A stream between the SDK and a handler. Either side is called from a microtask, never from within a call of its own, and once for all
 * that has gathered: a frame is handed on without a turn of the event loop, and nothing is done for each message.
 */
class DirectStream<I, O> implements ClientStream<I> {
  readonly #call: StreamCall;
  #requests: I[] = [];
  #responses: Buffer[] = [];
  #halfClosed = false;
  #blocked = false;
  #sending = false;
  #receiving = false;
  #ended: Ended | undefined;

  constructor(
    services: DirectServices,
    private readonly method: MethodDefinition<I, O>,
    private readonly listener: StreamListener<O>,
  ) {
    this.#call = services.stream(method.path, callerUntil(Number.POSITIVE_INFINITY), {
      message: (response, taken) => {
        this.#responses.push(response);
        this.#receiveSoon();
        // The microtask takes it before anything else can come: there is no room to run out of.
        taken();
      },
      ended: (ended) => {
        this.#ended = ended;
        this.#receiveSoon();
      },
      drained: () => {
        if (!this.#blocked) return;
        this.#blocked = false;
        this.#sendSoon();
      },
    });
  }

  send(request: I): void {
    this.#requests.push(request);
    this.#sendSoon();
  }

  end(): void {
    this.#halfClosed = true;
    this.#sendSoon();
  }

  cancel(): void {
    this.#call.cancel(CANCELLED);
  }

  #sendSoon(): void {
    if (this.#sending || this.#blocked) return;
    this.#sending = true;
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    this.#sending = false;
    const requests = this.#requests;
    let sent = 0;
    while (sent < requests.length && !this.#blocked) {
      const request = requests[sent++];
      if (request !== undefined) this.#blocked = !this.#call.send(this.method.requestSerialize(request));
    }
    this.#requests = requests.slice(sent);
    if (this.#halfClosed && this.#requests.length === 0) this.#call.halfClose();
  }

  #receiveSoon(): void {
    if (this.#receiving) return;
    this.#receiving = true;
    queueMicrotask(() => this.#receive());
  }

  #receive(): void {
    this.#receiving = false;
    const responses = this.#responses;
    this.#responses = [];
    for (const response of responses) this.listener.message(this.method.responseDeserialize(response));
    if (this.#ended !== undefined && this.#responses.length === 0) this.listener.ended(statusFrom(this.#ended));
  }
}

function callerUntil(deadline: number): Caller {
  return { metadata: new Metadata(), peer: PEER, host: '', deadline, auth: {} };
}

function statusFrom({ code, details, metadata }: Ended): CallStatus {
  return { code, details, metadata: metadata ?? new Metadata() };
}
