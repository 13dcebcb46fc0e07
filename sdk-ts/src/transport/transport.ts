import type { MethodDefinition, StatusObject } from '@grpc/grpc-js';

/** How a call ended: a gRPC code, words, and in `metadata` the details of an error, as a gateway sends them. */
export type CallStatus = Pick<StatusObject, 'code' | 'details' | 'metadata'>;

export interface UnaryCallOptions {
  /** Unix milliseconds: then the call ends with DEADLINE_EXCEEDED. */
  readonly deadline: number;
  /** Waits for somebody to answer, up to the deadline, instead of failing fast with UNAVAILABLE. */
  readonly waitForReady: boolean;
}

export interface StreamListener<O> {
  message(response: O): void;
  /** Called once, also after `cancel`; nothing comes after it. */
  ended(status: CallStatus): void;
}

/** A call of many requests and many responses. */
export interface StreamCall<I> {
  /** Never waits: what is sent is bounded by its sender. */
  send(request: I): void;
  /** All is said: the other side answers what it has read, and ends. */
  end(): void;
  cancel(): void;
}

/**
 * What carries calls to a bus. Requests and responses cross as bytes, which the method writes and reads; no callback comes before the
 * call that caused it has returned.
 */
export interface Transport {
  stream<I, O>(method: MethodDefinition<I, O>, listener: StreamListener<O>): StreamCall<I>;
  /** `done` is called once: with OK and a response, or with another status. Answers what cancels the call. */
  unary<I, O>(
    method: MethodDefinition<I, O>,
    request: I,
    options: UnaryCallOptions,
    done: (status: CallStatus, response?: O) => void,
  ): () => void;
  /** Ends every call. Never rejects. */
  close(): Promise<void>;
}
