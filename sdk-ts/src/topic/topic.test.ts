import { type } from 'arktype';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Bus } from '../bus.js';
import { json } from '../codec/json.js';
import { connect } from '../connect.js';
import { TestingGateway } from '../testing/gateway.js';
import type { Topic } from './topic.js';

let gateway: TestingGateway;
let bus: Bus;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect({ url: gateway.url });
});

afterEach(async () => {
  await bus.close({ timeout: 0 });
  gateway.stop();
});

describe('a topic', () => {
  it('has the types of its codec or validator', () => {
    const zod = bus.topic(
      'orders',
      z.object({ number: z.number(), at: z.string().transform((text) => new Date(text)) }),
    );
    expectTypeOf(zod).toEqualTypeOf<Topic<{ number: number; at: string }, { number: number; at: Date }>>();
    const valibot = bus.topic('orders', v.object({ number: v.optional(v.number(), 7) }));
    expectTypeOf(valibot).toEqualTypeOf<Topic<{ number?: number | undefined }, { number: number }>>();
    const ark = bus.topic('orders', type({ number: 'string.integer.parse' }));
    expectTypeOf(ark).toEqualTypeOf<Topic<{ number: string }, { number: number }>>();
    expectTypeOf(bus.topic('orders', json<{ number: number }>())).toEqualTypeOf<Topic<{ number: number }>>();
  });
});
