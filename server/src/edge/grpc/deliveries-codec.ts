import { toBinary } from '@bufbuild/protobuf';
import {
  type PullResponse,
  PullResponseSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from '@waybill/proto/waybill/v1/bus';
import { varintLength, writeVarint } from '../../model/wire.js';

/** A delivery as it goes out: the message is on the wire already. */
export interface Outgoing {
  readonly receipt: string;
  readonly wire: Uint8Array;
  readonly attempt: number;
  /** Unix milliseconds. */
  readonly deadline: number;
}

/** Deliveries are written by hand: the message is copied as it is, which the generic writer cannot do. */
export class DeliveryBatch {
  constructor(readonly deliveries: readonly Outgoing[]) {}
}

/** `SubscribeResponse`. */
export function writeSubscribeResponse(response: SubscribeResponse | DeliveryBatch): Buffer {
  if (!(response instanceof DeliveryBatch)) return toBuffer(toBinary(SubscribeResponseSchema, response));
  const size = sizeOfAll(response.deliveries);
  const bytes = Buffer.allocUnsafe(1 + varintLength(size) + size);
  bytes[0] = 0x12;
  writeAll(bytes, writeVarint(bytes, 1, size), response.deliveries);
  return bytes;
}

/** `PullResponse`. */
export function writePullResponse(response: PullResponse | DeliveryBatch): Buffer {
  if (!(response instanceof DeliveryBatch)) return toBuffer(toBinary(PullResponseSchema, response));
  const bytes = Buffer.allocUnsafe(sizeOfAll(response.deliveries));
  writeAll(bytes, 0, response.deliveries);
  return bytes;
}

/** About how many bytes a delivery takes in a response. */
export function outgoingSize({ receipt, wire }: Outgoing): number {
  return wire.length + receipt.length + 24;
}

function sizeOfAll(deliveries: readonly Outgoing[]): number {
  let size = 0;
  for (const delivery of deliveries) {
    const inner = sizeOf(delivery);
    size += 1 + varintLength(inner) + inner;
  }
  return size;
}

function sizeOf({ receipt, wire, attempt, deadline }: Outgoing): number {
  const text = 1 + varintLength(receipt.length) + receipt.length;
  return text + 1 + varintLength(wire.length) + wire.length + 1 + varintLength(attempt) + 1 + varintLength(deadline);
}

function writeAll(bytes: Buffer, position: number, deliveries: readonly Outgoing[]): void {
  let at = position;
  for (const delivery of deliveries) {
    const { receipt, wire, attempt, deadline } = delivery;
    bytes[at++] = 0x0a;
    at = writeVarint(bytes, at, sizeOf(delivery));
    bytes[at++] = 0x0a;
    at = writeVarint(bytes, at, receipt.length);
    at += bytes.write(receipt, at, 'latin1');
    bytes[at++] = 0x12;
    at = writeVarint(bytes, at, wire.length);
    bytes.set(wire, at);
    at += wire.length;
    bytes[at++] = 0x18;
    at = writeVarint(bytes, at, attempt);
    bytes[at++] = 0x20;
    at = writeVarint(bytes, at, deadline);
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
