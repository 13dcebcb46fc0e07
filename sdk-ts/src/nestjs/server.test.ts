import 'reflect-metadata';
import { Controller, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Transport } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { InvalidArgumentError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import { WaybillEvent, WaybillRequest } from './decorators.js';
import { WaybillServer } from './server.js';

Logger.overrideLogger(false);

let gateway: TestingGateway;
let bus: Bus;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect(gateway.url);
});

afterEach(async () => {
  await bus.close({ timeout: 100 });
  gateway.stop();
});

async function listen(...controllers: Type<unknown>[]) {
  @Module({ controllers })
  class Application {}
  const strategy = new WaybillServer(bus, { channel: 'billing', concurrency: 3 });
  const app = await NestFactory.createMicroservice(Application, { strategy, abortOnError: false });
  await app.listen();
  return app;
}

describe('a Nest server', () => {
  it('subscribes once for the handlers of a topic and channel, with the options of the server and their own', async () => {
    const calls: string[] = [];
    @Controller()
    class One {
      @WaybillEvent('orders')
      first() {
        calls.push('first');
      }
    }
    @Controller()
    class Two {
      @WaybillEvent('orders')
      second() {
        calls.push('second');
      }

      @WaybillEvent('orders', { channel: 'audit', credit: 7 })
      audit() {
        calls.push('audit');
      }
    }
    const app = await listen(One, Two);
    expect(gateway.opens).toMatchObject([
      { topic: 'orders', channel: 'billing' },
      { topic: 'orders', channel: 'audit', credit: 7 },
    ]);
    await bus.publish('orders', 'x');
    await gateway.until(() => gateway.store.settled.length === 2);
    expect(calls.sort()).toEqual(['audit', 'first', 'second']);
    await app.close();
    await gateway.until(() => gateway.subscribers === 0);
  });

  it('leaves the handlers of other transports alone', async () => {
    @Controller()
    class Other {
      @EventPattern<string>('orders', Transport.TCP)
      other() {}
    }
    const app = await listen(Other);
    expect(gateway.opens).toEqual([]);
    await app.close();
  });

  it('refuses a pattern that no topic can have', async () => {
    @Controller()
    class Wrong {
      @EventPattern<object>({ cmd: 'sum' })
      wrong() {}
    }
    await expect(listen(Wrong)).rejects.toThrow(/^pattern is {"cmd":"sum"}: it takes a topic/);
  });

  it('refuses an option that it does not know, and names those that there are', async () => {
    @Controller()
    class Wrong {
      @EventPattern<string>('orders', { chanel: 'audit' })
      wrong() {}
    }
    const error = await listen(Wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({
      field: 'option "chanel" of the handler of orders',
      limit: expect.stringMatching(/^channel, codec/),
    });
  });

  it('refuses options of a second handler that shares a channel, since the channel has those of the first', async () => {
    @Controller()
    class Twice {
      @WaybillEvent('orders', { concurrency: 2 })
      one() {}

      @WaybillEvent('orders', { concurrency: 5 })
      two() {}
    }
    await expect(listen(Twice)).rejects.toThrow(/another handler on channel billing/);
  });

  it('settles a request by its reply, also where events are settled by hand', async () => {
    @Controller()
    class Prices {
      @WaybillRequest('prices', { settle: 'manual' })
      price() {
        return 3;
      }
    }
    const app = await listen(Prices);
    expect((await bus.request('prices', 'apple')).json()).toBe(3);
    await gateway.until(() => gateway.store.settled.length === 2);
    expect(gateway.store.settled.map(({ kind }) => kind)).toEqual(['ack', 'ack']);
    await app.close();
  });

  it('refuses a second handler for the same requests', async () => {
    @Controller()
    class Twice {
      @WaybillRequest('prices')
      one() {}

      @WaybillRequest('prices')
      two() {}
    }
    await expect(listen(Twice)).rejects.toThrow(/one handler on channel billing/);
  });

  it('does not start when the bus refuses an option', async () => {
    @Controller()
    class Wrong {
      @WaybillEvent('orders', { lease: 1 })
      wrong() {}
    }
    await expect(listen(Wrong)).rejects.toMatchObject({ field: 'lease' });
  });
});
