import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { type } from 'arktype';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Bus } from '../bus.js';
import type { Codec } from '../codec/codec.js';
import { json } from '../codec/json.js';
import { protobuf } from '../codec/protobuf.js';
import { text } from '../codec/text.js';
import { connect } from '../connect.js';
import { InvalidArgumentError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import type { Message } from '../message.js';
import type { Topic } from './topic.js';

let gateway: TestingGateway;
let bus: Bus;

const Order = z.object({ number: z.number() });

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect({ url: gateway.url });
});

afterEach(async () => {
  await bus.close({ timeout: 0 });
  gateway.stop();
});

function settled(): string[] {
  return gateway.store.settled.map(({ kind, id }) => `${kind} ${id}`);
}

describe('a typed topic', () => {
  it('has the types of its codec or validator', () => {
    const zod = bus.topic('orders', z.object({ number: z.number(), at: z.string().transform((at) => new Date(at)) }));
    expectTypeOf(zod).toEqualTypeOf<Topic<{ number: number; at: string }, { number: number; at: Date }>>();
    const valibot = bus.topic('orders', v.object({ number: v.optional(v.number(), 7) }));
    expectTypeOf(valibot).toEqualTypeOf<Topic<{ number?: number | undefined }, { number: number }>>();
    const ark = bus.topic('orders', type({ number: 'string.integer.parse' }));
    expectTypeOf(ark).toEqualTypeOf<Topic<{ number: string }, { number: number }>>();
    expectTypeOf(bus.topic('orders', json<{ number: number }>())).toEqualTypeOf<Topic<{ number: number }>>();
  });

  it('publishes values and hands them over', async () => {
    const orders = bus.topic('orders', Order);
    expect(orders.name).toBe('orders');
    expect(await orders.publish({ number: 7 }, { id: 'm', key: 'k' })).toEqual({ id: 'm', outcome: 'parked' });
    const [number, message] = await new Promise<[number, Message]>((resolve) =>
      orders.subscribe('billing', (order, message) => resolve([order.number, message])),
    );
    expect(number).toBe(7);
    expect(message).toMatchObject({ id: 'm', key: 'k', headers: { 'content-type': 'application/json' } });
  });

  it('says in a header what its bodies are, unless the publisher does', async () => {
    const names = bus.topic('names', text());
    await names.publish('a');
    await names.publish('b', { headers: { a: '1' }, deadline: '10s' });
    await names.publish('c', { headers: { 'Content-Type': 'text/csv' } });
    await names.publishItems([{ value: 'd', headers: { b: '2' } }]);
    const plain: Codec<string> = { contentType: '', encode: (value) => value, decode: String };
    await bus.topic('names', plain).publish('e');
    const type = 'text/plain; charset=utf-8';
    const headers: Message['headers'][] = [];
    bus.subscribe('names', 'all', (message) => headers.push(message.headers));
    await gateway.until(() => headers.length === 5);
    expect(headers).toEqual([
      { 'content-type': type },
      { a: '1', 'content-type': type },
      { 'Content-Type': 'text/csv' },
      { b: '2', 'content-type': type },
      {},
    ]);
  });

  it('sends nothing that does not fit', async () => {
    const orders = bus.topic('orders', z.object({ number: z.number().refine(async (n) => n > 0) }));
    await expect(orders.publish({ number: -1 })).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(orders.publishMany([{ number: 1 }, { number: -1 }])).rejects.toMatchObject({ field: 'value.number' });
    expect(gateway.publishes).toEqual([]);
    expect(await orders.publishMany([{ number: 1 }, { number: 2 }])).toHaveLength(2);
  });

  it('refuses an item with an unknown option, instead of sending it as a body', async () => {
    const item = { value: { number: 1 }, colour: 'red' };
    await expect(bus.topic('orders', Order).publishItems([item])).rejects.toMatchObject({ field: 'colour' });
    expect(gateway.publishes).toEqual([]);
  });

  it('makes dead letters of what does not fit, with the reason, and never calls the handler', async () => {
    await bus.publishMany('orders', [
      { body: { number: 'x' }, id: 'bad' },
      { body: 'no JSON', id: 'worse' },
      { body: { number: 7 }, id: 'good' },
    ]);
    const seen: number[] = [];
    const errors: string[] = [];
    bus.topic('orders', Order).subscribe('billing', (order) => seen.push(order.number), {
      onError: (error, message) => errors.push(`${message?.id}: ${error}`),
    });
    await gateway.until(() => gateway.store.settled.length === 3);
    expect(seen).toEqual([7]);
    expect(settled().sort()).toEqual(['ack good', 'reject bad', 'reject worse']);
    expect(gateway.store.settled.find(({ id }) => id === 'bad')?.reason).toMatch(/^invalid payload: value\.number: /);
    expect(errors).toHaveLength(2);
  });

  it('may be checked asynchronously on arrival', async () => {
    await bus.publishMany('names', [
      { body: '"ann"', id: 'ann' },
      { body: '"bob"', id: 'bob' },
    ]);
    const seen: string[] = [];
    const names = bus.topic(
      'names',
      z.string().refine(async (name) => name === 'ann'),
    );
    names.subscribe('all', async (name) => void seen.push(name));
    await gateway.until(() => gateway.store.settled.length === 2);
    expect(settled().sort()).toEqual(['ack ann', 'reject bob']);
    expect(seen).toEqual(['ann']);
  });

  it('hands over batches without what does not fit', async () => {
    await bus.publishMany('orders', [
      { body: { number: 1 }, id: 'one' },
      { body: { number: 'x' }, id: 'bad' },
      { body: { number: 3 }, id: 'three' },
    ]);
    const batches: (readonly [string, number])[][] = [];
    bus
      .topic('orders', Order)
      .subscribeBatch(
        'billing',
        (batch) => void batches.push(batch.map(({ value, message }) => [message.id, value.number])),
        { size: 3, wait: '50ms' },
      );
    await gateway.until(() => gateway.store.settled.length === 3);
    expect(batches).toEqual([
      [
        ['one', 1],
        ['three', 3],
      ],
    ]);
    expect(settled().sort()).toEqual(['ack one', 'ack three', 'reject bad']);
  });

  it('pulls values, and makes dead letters of what does not fit', async () => {
    await bus.publishMany('orders', [
      { body: 'no JSON', id: 'bad' },
      { body: { number: 7 }, id: 'good' },
    ]);
    for await (const { value, message } of bus.topic('orders', Order).pull('billing')) {
      expectTypeOf(value).toEqualTypeOf<{ number: number }>();
      expect(value).toEqual({ number: 7 });
      await message.ack();
      break;
    }
    expect(settled()).toEqual(['reject bad', 'ack good']);
  });

  it('tries a pulled message again whose check failed of itself', async () => {
    await bus.publish('names', '"ann"', { id: 'ann' });
    let checks = 0;
    const check = async () => {
      if (++checks === 1) throw new Error('the database is away');
      return true;
    };
    const checked = v.pipeAsync(v.string(), v.checkAsync(check));
    for await (const { message } of bus.topic('names', checked).pull('all')) {
      expect(message.attempt).toBe(2);
      await message.ack();
      break;
    }
    expect(gateway.store.settled.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['nack', 'the database is away'],
      ['ack', ''],
    ]);
  });

  it('carries protobuf messages', async () => {
    const times = bus.topic('times', protobuf(TimestampSchema));
    await times.publish({ seconds: 7n });
    const [seconds, { headers }] = await new Promise<[bigint, Message]>((resolve) =>
      times.subscribe('clock', (time, message) => resolve([time.seconds, message])),
    );
    expect(seconds).toBe(7n);
    expect(headers).toEqual({ 'content-type': 'application/protobuf' });
  });

  it('cancels and reschedules', async () => {
    const orders = bus.topic('orders', Order);
    await orders.publish({ number: 7 }, { id: 'm', delay: '1h' });
    const at = new Date(Date.now() + 7_200_000);
    expect(await orders.reschedule('m', { at })).toEqual(at);
    await orders.cancel('m');
    await expect(orders.cancel('m')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
