import { EventPattern, MessagePattern } from '@nestjs/microservices';
import type { WaybillHandlerOptions } from './handler-options.js';
import { WAYBILL_TRANSPORT } from './tokens.js';

/**
 * `@EventPattern` for this transport, with its options checked by the compiler.
 *
 * @example
 * @WaybillEvent('orders', { channel: 'billing', concurrency: 10 })
 * async charge(@Payload() order: Order, @Ctx() context: WaybillContext) {}
 */
export function WaybillEvent(topic: string, options: WaybillHandlerOptions = {}): MethodDecorator {
  return EventPattern<string>(topic, WAYBILL_TRANSPORT, options);
}

/**
 * `@MessagePattern` for this transport, with its options checked by the compiler. What the handler returns is the reply.
 *
 * @example
 * @WaybillRequest('prices')
 * price(@Payload() fruit: string) {
 *   return { price: 3 };
 * }
 */
export function WaybillRequest(topic: string, options: WaybillHandlerOptions = {}): MethodDecorator {
  return MessagePattern(topic, WAYBILL_TRANSPORT, options);
}
