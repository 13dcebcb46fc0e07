import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { RetryAfter, UnrecoverableError } from '../consumer/handler-errors.js';
import { AccessError, ClosedError, DeadlineError, InvalidArgumentError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import type { Message } from '../message.js';
import { CORRELATION_ID, REPLY_TO } from './headers.js';
import { ReplyError } from './reply-error.js';

let gateway: TestingGateway;
let asker: Bus;
let answerer: Bus;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  asker = await connect({ url: gateway.url, name: 'asker' });
  answerer = await connect({ url: gateway.url, name: 'answerer' });
});

afterEach(async () => {
  await Promise.all([asker.close({ timeout: 100 }), answerer.close({ timeout: 100 })]);
  gateway.stop();
});

function settled(kind: string): number {
  return gateway.store.settled.filter((each) => each.kind === kind).length;
}

async function firstMessage(topic: string): Promise<Message> {
  return new Promise((resolve) => answerer.subscribe(topic, 'first', resolve));
}

describe('a request', () => {
  it('resolves with what the responder returned, and both messages are acked', async () => {
    answerer.serve('prices', 'service', (message) => ({ price: message.text().length }));
    const reply = await asker.request('prices', 'apple');
    expect(reply.json()).toEqual({ price: 5 });
    await gateway.until(() => settled('ack') === 2);
  });

  it('travels with the headers that clients of all languages know, and expires with its timeout', async () => {
    const asked = asker.request('prices', 'apple', { timeout: 30_000, headers: { source: 'shop' }, key: 'k' });
    const request = await firstMessage('prices');
    expect(request.headers).toEqual({
      source: 'shop',
      [REPLY_TO]: expect.stringMatching(/^waybill\.replies\.[0-9a-f-]{36}$/),
      [CORRELATION_ID]: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(request.key).toBe('k');
    await answerer.reply(request, 'cheap', { headers: { currency: 'EUR' } });
    const reply = await asked;
    expect(reply.text()).toBe('cheap');
    expect(reply.headers).toMatchObject({ currency: 'EUR', [CORRELATION_ID]: request.headers[CORRELATION_ID] });
  });

  it('shares one subscription with all others, and each gets its own reply', async () => {
    answerer.serve('prices', 'service', (message) => message.body, { concurrency: 50 });
    const replies = await Promise.all(Array.from({ length: 200 }, (_, n) => asker.request('prices', String(n))));
    expect(replies.map((reply) => reply.text())).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
    expect(gateway.opens.filter((open) => open.topic.startsWith('waybill.replies.'))).toHaveLength(1);
  });

  it('without a reply in time rejects with DeadlineError, which names the message', async () => {
    const asked = asker.request('nobody', 'anybody?', { timeout: 50, id: 'question-1' });
    const error = await asked.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeadlineError);
    expect(error).toMatchObject({ reason: 'NO_REPLY', messageId: 'question-1', retryable: true });
  });

  it('whose publish nobody answers has the same error, and says why', async () => {
    await asker.request('prices', 'apple', { timeout: 20 }).catch(() => {});
    gateway.deaf = true;
    const error = await asker.request('prices', 'apple', { timeout: 50 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'DeadlineError', reason: 'NO_REPLY' });
  });

  it('drops a reply that nobody waits for any more, and hears the next one', async () => {
    const requests: Message[] = [];
    answerer.subscribe('prices', 'service', (message) => void requests.push(message));
    const abort = new AbortController();
    const first = asker.request('prices', 'one', { signal: abort.signal });
    await gateway.until(() => requests.length === 1);
    abort.abort(new Error('not interested'));
    await expect(first).rejects.toThrow('not interested');
    const second = asker.request('prices', 'two');
    await gateway.until(() => requests.length === 2);
    for (const request of requests) await answerer.reply(request, `to ${request.text()}`);
    expect((await second).text()).toBe('to two');
    await gateway.until(() => settled('ack') === 4);
  });

  it('takes the first of two replies', async () => {
    const asked = asker.request('prices', 'apple');
    const request = await firstMessage('prices');
    await answerer.reply(request, 'first');
    await answerer.reply(request, 'second');
    expect((await asked).text()).toBe('first');
    await gateway.until(() => settled('ack') === 3);
  });

  it('is given up with its signal', async () => {
    const abort = new AbortController();
    const asked = asker.request('nobody', 'anybody?', { signal: abort.signal });
    abort.abort(new Error('not interested'));
    await expect(asked).rejects.toThrow('not interested');
    await expect(asker.request('nobody', 'x', { signal: abort.signal })).rejects.toThrow('not interested');
  });

  it('is refused when its timeout is out of range, or its message is', async () => {
    await expect(asker.request('prices', 'x', { timeout: '2h' })).rejects.toMatchObject({ field: 'timeout' });
    await expect(asker.request('prices', 'x', { timeout: 0 })).rejects.toMatchObject({ field: 'timeout' });
    gateway.refuse = () => ({ code: status.INVALID_ARGUMENT, reason: 'TOPIC_INVALID', field: 'topic' });
    await expect(asker.request('pri ces', 'x')).rejects.toThrow(InvalidArgumentError);
  });

  it('that may not listen for replies is not sent, and a later one that may is', async () => {
    gateway.refuseCall = (name) =>
      name === 'subscribe' ? { code: status.PERMISSION_DENIED, details: 'not yours' } : undefined;
    await expect(asker.request('prices', 'apple')).rejects.toThrow(AccessError);
    expect(gateway.publishes).toEqual([]);
    gateway.refuseCall = () => undefined;
    answerer.serve('prices', 'service', () => 'cheap');
    expect((await asker.request('prices', 'apple')).text()).toBe('cheap');
  });

  it('ends with ClosedError when the bus closes, and so does one made afterwards', async () => {
    const asked = asker.request('nobody', 'anybody?');
    const refused = expect(asked).rejects.toThrow(ClosedError);
    await asker.close({ timeout: 100 });
    await refused;
    await expect(asker.request('prices', 'x')).rejects.toThrow(ClosedError);
  });

  it('of a handler that still runs when its bus closes gets its reply', async () => {
    let release: () => void = () => {};
    const running = new Promise<void>((resolve) => {
      release = resolve;
    });
    answerer.serve('prices', 'service', async () => {
      await running;
      return 'cheap';
    });
    let heard: string | undefined;
    const started = new Promise<void>((resolve) => {
      asker.subscribe('orders', 'billing', async () => {
        resolve();
        heard = (await asker.request('prices', 'apple')).text();
      });
    });
    await asker.publish('orders', 'x');
    await started;
    const closed = asker.close();
    release();
    await closed;
    expect(heard).toBe('cheap');
  });

  it('finds its reply after the stream of the replies broke', async () => {
    const requests: Message[] = [];
    answerer.subscribe('prices', 'service', (message) => void requests.push(message));
    const asked = asker.request('prices', 'apple');
    await gateway.until(() => requests.length === 1);
    gateway.breakSubscriptions();
    for (const request of requests) await answerer.reply(request, 'cheap');
    expect((await asked).text()).toBe('cheap');
  });
});

describe('a responder', () => {
  it('that throws answers with its error, and the request is not tried again', async () => {
    const told: unknown[] = [];
    answerer.serve('prices', 'service', () => Promise.reject(new Error('no such fruit')), {
      onError: (error) => told.push(error),
    });
    const error = await asker.request('prices', 'stone').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ message: 'no such fruit', reason: 'REPLY_ERROR', details: undefined });
    await gateway.until(() => settled('ack') === 2 && told.length > 0);
    expect(settled('nack') + settled('reject')).toBe(0);
    expect(told).toMatchObject([{ message: 'no such fruit' }]);
  });

  it.each([{ stock: 0 }, 'a text', 0, null, ['one']])('gives details along: %j', async (details) => {
    answerer.serve('prices', 'service', () => {
      throw new ReplyError('sold out', details);
    });
    const error = await asker.request('prices', 'apple').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ReplyError', message: 'sold out', details });
  });

  it('that throws RetryAfter is asked again, and the second answer is the answer', async () => {
    answerer.serve('prices', 'service', ({ attempt }) => {
      if (attempt === 1) throw new RetryAfter(1);
      return `attempt ${attempt}`;
    });
    expect((await asker.request('prices', 'apple')).text()).toBe('attempt 2');
    expect(settled('nack')).toBe(1);
  });

  it('that throws UnrecoverableError answers, and leaves a dead letter', async () => {
    answerer.serve('prices', 'service', () => {
      throw new UnrecoverableError('never');
    });
    await expect(asker.request('prices', 'apple')).rejects.toThrow('never');
    await gateway.until(() => settled('reject') === 1);
  });

  it('that returns nothing answers with an empty body', async () => {
    answerer.serve('prices', 'service', () => undefined);
    expect((await asker.request('prices', 'apple')).body).toHaveLength(0);
  });

  it('whose answer the bus refuses answers with that, and leaves a dead letter', async () => {
    gateway.refuse = (message) =>
      message.body.length > 100
        ? { code: status.INVALID_ARGUMENT, reason: 'BODY_TOO_LARGE', field: 'body' }
        : undefined;
    answerer.serve('prices', 'service', () => 'x'.repeat(101));
    await expect(asker.request('prices', 'apple')).rejects.toThrow(/refused/);
    await gateway.until(() => settled('reject') === 1);
  });

  it('asked to reply where no message can go leaves a dead letter, instead of trying for ever', async () => {
    gateway.refuse = (message) =>
      message.topic === 'no topic'
        ? { code: status.INVALID_ARGUMENT, reason: 'TOPIC_INVALID', field: 'topic' }
        : undefined;
    answerer.serve('prices', 'service', () => 'cheap');
    await asker.publish('prices', 'apple', { headers: { [REPLY_TO]: 'no topic', [CORRELATION_ID]: '1' } });
    await gateway.until(() => settled('reject') === 1);
    expect(settled('nack')).toBe(0);
  });

  it('of a message that is no request is a handler like any other', async () => {
    answerer.serve('prices', 'service', ({ attempt }) => {
      if (attempt === 1) throw new Error('once more');
      return 'heard by nobody';
    });
    await asker.publish('prices', 'apple');
    await gateway.until(() => settled('ack') === 1);
    expect(settled('nack')).toBe(1);
    expect(gateway.publishes.flat()).toHaveLength(1);
  });
});

describe('a reply', () => {
  it('to a message that is no request is refused', async () => {
    await asker.publish('prices', 'apple');
    const message = await firstMessage('prices');
    await expect(answerer.reply(message, 'x')).rejects.toMatchObject({ reason: 'NOT_A_REQUEST', field: 'request' });
  });

  it('goes on with the trace context of its request, unless it has its own', async () => {
    const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    const own = `00-${'3'.repeat(32)}-${'4'.repeat(16)}-01`;
    const asked = asker.request('prices', 'apple', { headers: { traceparent, tracestate: 'a=b' } });
    const request = await firstMessage('prices');
    await answerer.reply(request, 'cheap');
    expect((await asked).headers).toMatchObject({ traceparent, tracestate: 'a=b' });

    const again = asker.request('prices.own', 'apple', { headers: { traceparent, tracestate: 'a=b' } });
    await answerer.reply(await firstMessage('prices.own'), 'cheap', { headers: { traceparent: own } });
    const reply = await again;
    expect(reply.headers.traceparent).toBe(own);
    expect(reply.headers).not.toHaveProperty('tracestate');
  });
});
