import type { RequestOptions } from '../request/options.js';

/** What may be said of one message that a `WaybillClient` sends: the options of `publish`, and for requests their `timeout`. */
export type WaybillRecordOptions = Omit<RequestOptions, 'signal'>;

/**
 * A payload with options of its own, for `WaybillClient`.
 *
 * @example
 * client.emit('orders', new WaybillRecord(order, { key: order.customer, delay: '10m' }));
 */
export class WaybillRecord<T = unknown> {
  constructor(
    readonly data: T,
    readonly options: WaybillRecordOptions = {},
  ) {}
}
