import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Bus,
  type OpenedFrame,
  type OpenFrameSchema,
  type SettledFrame,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from '@waybill/proto/waybill/v1/bus';
import type { Delivery } from '@waybill/proto/waybill/v1/message';
import { errorOf, type WaybillError } from '../errors.js';
import { type Connection, isStreamBreak } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import { streamError } from '../grpc/status.js';
import type { StreamCall } from '../transport/transport.js';
import { Silence } from './silence.js';

const METHOD = methodDefinition(Bus.method.subscribe);

/** How long a gateway may take to answer the open frame. */
const OPEN_TIMEOUT_MS = 20_000;

export type ClientFrame = Exclude<MessageInitShape<typeof SubscribeRequestSchema>['frame'], undefined>;

export interface SubscribeStreamSink {
  opened(frame: OpenedFrame): void;
  deliveries(deliveries: readonly Delivery[]): void;
  settled(frame: SettledFrame): void;
  draining(): void;
  /** Called once, unless `end` was; nothing comes after it. `judged`: the gateway refused the subscription. */
  ended(error: WaybillError, judged: boolean): void;
}

/** One `Subscribe` call, which is dead when it stays silent for twice the gateway's heartbeat. */
export class SubscribeStream {
  readonly #call: StreamCall<SubscribeRequest>;
  readonly #sink: SubscribeStreamSink;
  readonly #silence: Silence;
  #over = false;
  #farewell: NodeJS.Timeout | undefined;

  constructor(connection: Connection, open: MessageInitShape<typeof OpenFrameSchema>, sink: SubscribeStreamSink) {
    this.#sink = sink;
    this.#call = connection.stream(METHOD, {
      message: (response) => this.#receive(response),
      ended: (status) => {
        clearTimeout(this.#farewell);
        this.#end(streamError(status), !isStreamBreak(status.code));
      },
    });
    this.#silence = new Silence(OPEN_TIMEOUT_MS, () => this.#dead());
    this.send(0, { case: 'open', value: open });
  }

  send(sequence: number, frame: ClientFrame): void {
    if (this.#over) return;
    // Bounded by the credit: whoever holds nothing settles nothing.
    this.#call.send(create(SubscribeRequestSchema, { sequence: BigInt(sequence), frame }));
  }

  /** Says goodbye. What was not settled is delivered again, to whoever consumes the channel. Safe twice. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#silence.stop();
    this.#call.end();
    // A gateway that does not answer the end must not keep the call, and with it the process, alive.
    this.#farewell = setTimeout(() => this.#call.cancel(), 1_000);
  }

  #receive({ frame }: SubscribeResponse): void {
    if (this.#over) return;
    this.#silence.heard();
    switch (frame.case) {
      case 'deliveries':
        this.#sink.deliveries(frame.value.deliveries);
        return;
      case 'settled':
        this.#sink.settled(frame.value);
        return;
      case 'opened':
        if (frame.value.heartbeatSeconds > 0) this.#silence.limit(frame.value.heartbeatSeconds * 2_000);
        this.#sink.opened(frame.value);
        return;
      case 'draining':
        this.#sink.draining();
        return;
      case 'heartbeat':
      case undefined:
    }
  }

  #dead(): void {
    this.#end(errorOf('the stream was silent for too long', { code: 'UNAVAILABLE', reason: 'STREAM_SILENT' }), false);
    this.#call.cancel();
  }

  #end(error: WaybillError, judged: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#silence.stop();
    this.#sink.ended(error, judged);
  }
}
