import 'reflect-metadata';
import { Controller, Module, type Type } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { RetryAfter, UnrecoverableError } from '@waybill/sdk';
import { type WaybillContext, WaybillEvent, WaybillRequest } from '@waybill/sdk/nestjs';
import { from } from 'rxjs';
import { z } from 'zod';

/** What came to the handlers, in order: `<handler> <payload> <attempt>`. */
export const seen: string[] = [];
/** What handlers that wait wait for. */
export const gates = new Map<string, Promise<void>>();

const order = z.object({ number: z.number().int() });

interface Order {
  readonly number: number;
}

function note(handler: string, payload: unknown, context: WaybillContext): void {
  seen.push(`${handler} ${JSON.stringify(payload)} ${context.getMessage().attempt}`);
}

@Controller()
class Orders {
  @WaybillEvent('orders', { retry: { maxRetries: 1, backoff: 20 } })
  async charge(@Payload() payload: Order, @Ctx() context: WaybillContext): Promise<void> {
    note('charge', payload, context);
    if (payload.number < 0) throw new UnrecoverableError('no such order');
    if (payload.number === 0) throw new Error('not paid');
    if (payload.number === 1 && context.getMessage().attempt === 1) throw new RetryAfter(10, 'not yet');
  }

  @WaybillEvent('orders', { channel: 'audit', codec: order })
  audit(@Payload() payload: Order, @Ctx() context: WaybillContext): void {
    note('audit', payload, context);
  }

  @WaybillEvent('reports.*', { settle: 'manual', concurrency: 2 })
  async report(@Payload() payload: string, @Ctx() context: WaybillContext): Promise<void> {
    note(`report ${context.getTopic()} ${context.getChannel()}`, payload, context);
    await context.extend('1m');
    if (context.getMessage().attempt === 1) await context.nack({ delay: 10, reason: 'by hand' });
    else await context.ack();
  }

  @EventPattern<string>('slow')
  async slow(@Payload() payload: string, @Ctx() context: WaybillContext): Promise<void> {
    note('slow', payload, context);
    await gates.get(payload);
    note('slow end', payload, context);
  }
}

@Controller()
class Prices {
  @MessagePattern('prices')
  price(@Payload() fruit: string): { price: number } {
    if (fruit === 'stone') throw new RpcException({ status: 'error', message: 'no such fruit', asked: fruit });
    if (fruit === 'fault') throw new Error('a secret of the house');
    if (fruit === 'never') throw new UnrecoverableError('never had it');
    return { price: fruit.length };
  }

  @WaybillRequest('prices.later')
  later(@Payload() fruit: string, @Ctx() context: WaybillContext): string {
    note('later', fruit, context);
    if (context.getMessage().attempt === 1) throw new RetryAfter(10);
    return `attempt ${context.getMessage().attempt}`;
  }

  @MessagePattern('prices.many')
  many(@Payload() count: number) {
    return from(Array.from({ length: count }, (_, index) => index + 1));
  }

  @MessagePattern('bytes')
  bytes(@Payload() given: Uint8Array): Uint8Array {
    return given.toReversed();
  }

  @MessagePattern('nothing')
  nothing(): void {}
}

/** The application, with what gives it its bus. */
export function applicationWith(waybill: Parameters<typeof Module>[0]['imports']): Type<unknown> {
  @Module({ imports: waybill ?? [], controllers: [Orders, Prices] })
  class Application {}
  return Application;
}
