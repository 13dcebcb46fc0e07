import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AckRequestSchema,
  Bus,
  ExtendRequestSchema,
  NackRequestSchema,
  RejectRequestSchema,
  type SettleResult,
  SettleStatus,
} from '@waybill/proto/waybill/v1/bus';
import { type Connection, isUnavailable, type UnaryOptions } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import { toWaybillError } from '../grpc/status.js';
import type { Action } from './action.js';
import { Gather } from './gather.js';
import { type SettleGroup, type Settler, type Settling, settleError } from './settle.js';

const ACK_METHOD = methodDefinition(Bus.method.ack);
const NACK_METHOD = methodDefinition(Bus.method.nack);
const EXTEND_METHOD = methodDefinition(Bus.method.extend);
const REJECT_METHOD = methodDefinition(Bus.method.reject);

/**
 * Settles by unary calls, through whatever gateway answers: for pulled messages, for receipts alone, and for what a broken
 * stream left unanswered. A settle may be made twice, so it is tried again until the deadline.
 */
export class SettleCalls implements Settler {
  readonly #gather = new Gather((group) => void this.#send(group));

  constructor(readonly connection: Connection) {}

  settle(action: Action, settling: Settling): void {
    this.#gather.settle(action, settling);
  }

  /** At most 10,000 receipts. Rejects with a WaybillError when the outcome is not known. */
  async call(
    action: Action,
    receipts: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<SettleResult[]> {
    const response = await request(this.connection, action, [...receipts], {
      timeoutMs,
      repeat: isUnavailable,
      signal,
    });
    return response.results;
  }

  async #send({ action, settlings }: SettleGroup): Promise<void> {
    try {
      const receipts = settlings.map((settling) => settling.receipt);
      const results = await this.call(action, receipts, this.connection.options.deadlineMs);
      settlings.forEach((settling, index) => {
        const status = results[index]?.status ?? SettleStatus.UNSPECIFIED;
        settling.settled(settleError(settling.receipt, status));
      });
    } catch (thrown) {
      const error = toWaybillError(thrown);
      for (const settling of settlings) settling.settled(error);
    }
  }
}

function request(connection: Connection, action: Action, receipts: string[], options: UnaryOptions) {
  switch (action.kind) {
    case 'ack':
      return connection.unary(ACK_METHOD, create(AckRequestSchema, { receipts }), options);
    case 'nack':
      return connection.unary(NACK_METHOD, create(NackRequestSchema, nackRequest(action, receipts)), options);
    case 'extend': {
      const { leaseSeconds } = action;
      return connection.unary(EXTEND_METHOD, create(ExtendRequestSchema, { receipts, leaseSeconds }), options);
    }
    case 'reject': {
      const { reason } = action;
      return connection.unary(REJECT_METHOD, create(RejectRequestSchema, { receipts, reason }), options);
    }
  }
}

/** The delay is left out where the retry policy's counts. */
export function nackRequest(
  { delayMs, reason, unhandled }: Extract<Action, { kind: 'nack' }>,
  receipts: string[],
): MessageInitShape<typeof NackRequestSchema> {
  return { receipts, reason, unhandled, ...(delayMs === undefined ? {} : { delayMs: BigInt(delayMs) }) };
}
