import type { MethodDefinition } from '@grpc/grpc-js';
import { Bus, type PublishStreamResponse } from '@waybill/proto/waybill/v1/bus';
import type { WaybillError } from '../errors.js';
import { type Connection, isStreamBreak } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import { streamError } from '../grpc/status.js';
import type { StreamCall } from '../transport/transport.js';

const GENERATED = methodDefinition(Bus.method.publishStream);

/** Requests are encoded by the publisher itself. */
const METHOD: MethodDefinition<Buffer, PublishStreamResponse> = {
  ...GENERATED,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
};

export interface PublishStreamSink {
  response(response: PublishStreamResponse): void;
  /** Called once; nothing comes after it. `judged`: the gateway refused what was sent, so sending all of it again would fail again. */
  ended(error: WaybillError, judged: boolean): void;
}

/** One `PublishStream` call. */
export class PublishStream {
  readonly #call: StreamCall<Buffer>;
  #over = false;

  constructor(connection: Connection, sink: PublishStreamSink) {
    this.#call = connection.stream(METHOD, {
      message: (response) => {
        if (!this.#over) sink.response(response);
      },
      ended: (status) => {
        if (this.#over) return;
        this.#over = true;
        sink.ended(streamError(status), !isStreamBreak(status.code));
      },
    });
  }

  send(request: Buffer): void {
    // What is unanswered is bounded by the publisher's window, so the buffer of this stream is as well.
    this.#call.send(request);
  }

  /** Everything is answered: the gateway may close. */
  end(): void {
    this.#over = true;
    this.#call.end();
  }

  cancel(): void {
    this.#over = true;
    this.#call.cancel();
  }
}
