import { create, toBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { describe, expect, it } from 'vitest';
import { readIncoming } from './message-codec.js';
import { contextOf, formatTraceparent, headerOf, sampledContext, traceIdOf, withHeaders } from './trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

function wireOf(headers: Record<string, string>, body = 'body'): Buffer {
  return Buffer.from(toBinary(MessageSchema, create(MessageSchema, { topic: 't', body: Buffer.from(body), headers })));
}

describe('a traceparent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`],
    [`00-${TRACE}-${SPAN}-03`],
    // A later version may add parts behind.
    [`cc-${TRACE}-${SPAN}-01-what-the-future-holds`],
  ])('%s is sampled', (traceparent) => {
    expect(sampledContext(traceparent)).toEqual({ traceId: TRACE, spanId: SPAN, state: '' });
  });

  it.each([
    [''],
    ['00'],
    [`00-${TRACE}-${SPAN}-00`],
    [`ff-${TRACE}-${SPAN}-01`],
    [`00-${'0'.repeat(32)}-${SPAN}-01`],
    [`00-${TRACE}-${'0'.repeat(16)}-01`],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`],
    [`00-${TRACE}-${SPAN}-01\n`],
    [`00-${TRACE.slice(1)}-${SPAN}-01`],
  ])('%j is not followed', (traceparent) => {
    expect(sampledContext(traceparent)).toBeUndefined();
  });

  it('is written as it is read', () => {
    const text = `00-${TRACE}-${SPAN}-01`;
    const context = sampledContext(text, 'a=1');
    expect(context).toEqual({ traceId: TRACE, spanId: SPAN, state: 'a=1' });
    expect(context && formatTraceparent(context)).toBe(text);
  });

  it('goes on without a tracestate that is longer than anybody must take', () => {
    expect(sampledContext(`00-${TRACE}-${SPAN}-01`, 'x'.repeat(513))?.state).toBe('');
  });
});

describe('the headers of a message', () => {
  const headers = { a: '1', traceparent: `00-${TRACE}-${SPAN}-01`, 'not-a-trace': 'x', tracestate: 'v=1' };

  it('are found wherever they stand', () => {
    expect(contextOf(wireOf(headers))).toEqual({ traceId: TRACE, spanId: SPAN, state: 'v=1' });
    expect(headerOf(wireOf(headers), 'a')).toBe('1');
    expect(headerOf(wireOf(headers), 'b')).toBeUndefined();
  });

  it('are not looked for in the body', () => {
    const inner = wireOf(headers).toString('latin1');
    expect(contextOf(wireOf({}, inner))).toBeUndefined();
  });

  it('tell the id of a trace that is not sampled too', () => {
    const wire = wireOf({ traceparent: `00-${TRACE}-${SPAN}-00` });
    expect(contextOf(wire)).toBeUndefined();
    expect(traceIdOf(wire)).toBe(TRACE);
  });

  it('can be added behind, and are then read by everybody', () => {
    const wire = withHeaders(wireOf({ a: '1' }), { traceparent: `00-${TRACE}-${SPAN}-01`, long: 'x'.repeat(300) });
    expect(traceIdOf(wire)).toBe(TRACE);
    const { headers: count, headerProblem } = readIncoming(wire, 0, wire.length);
    expect({ count, headerProblem }).toEqual({ count: 3, headerProblem: undefined });
    expect(headerOf(wire, 'long')).toHaveLength(300);
  });
});
