import { Inject } from '@nestjs/common';

/** What an application injects to get the `Bus` of `WaybillModule`; `@InjectBus()` does it. */
export const WAYBILL_BUS = Symbol('waybill.bus');

/** This transport, where an application has several: `@EventPattern('orders', WAYBILL_TRANSPORT, { channel: 'billing' })`. */
export const WAYBILL_TRANSPORT = Symbol('waybill');

/** Injects the `Bus` of `WaybillModule`. */
export function InjectBus(): PropertyDecorator & ParameterDecorator {
  return Inject(WAYBILL_BUS);
}
