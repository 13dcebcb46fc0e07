import { SettleStatus } from '@waybill/proto/waybill/v1/bus';
import { NotFoundError, StaleReceiptError, type WaybillError } from '../errors.js';
import type { Action } from './action.js';

/** One receipt on its way to the gateway. `settled` is called once: without an error when the gateway did it, durably. */
export interface Settling {
  readonly receipt: string;
  settled(error: WaybillError | undefined): void;
}

/** Takes settles; never throws. */
export interface Settler {
  settle(action: Action, settling: Settling): void;
}

/** Receipts with the same action: what travels as one frame or call. */
export interface SettleGroup {
  readonly action: Action;
  readonly settlings: readonly Settling[];
}

/** The most receipts that one request may name. */
export const MAX_RECEIPTS = 10_000;

/** Undefined for OK. */
export function settleError(receipt: string, status: SettleStatus): WaybillError | undefined {
  switch (status) {
    case SettleStatus.OK:
      return undefined;
    case SettleStatus.STALE:
      return new StaleReceiptError(receipt);
    case SettleStatus.UNKNOWN:
    case SettleStatus.UNSPECIFIED:
      return new NotFoundError(`${receipt} is not a receipt of this bus`, {
        code: 'NOT_FOUND',
        reason: 'RECEIPT_UNKNOWN',
      });
  }
}
