import { create } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UnrecoverableError } from '../consumer/handler-errors.js';
import { InvalidArgumentError } from '../errors.js';
import { bytes } from './bytes.js';
import { json } from './json.js';
import { protobuf } from './protobuf.js';
import { schemaCodec } from './schema.js';
import type { StandardSchema } from './standard-schema.js';
import { text } from './text.js';

const utf8 = (content: string) => new TextEncoder().encode(content);

/** What a function throws. */
async function thrownBy(fn: () => unknown): Promise<unknown> {
  try {
    await fn();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('JSON', () => {
  it('goes there and back', () => {
    const codec = json<{ number: number }>();
    expect(codec.contentType).toBe('application/json');
    expect(codec.encode({ number: 7 })).toBe('{"number":7}');
    expect(codec.decode(utf8('{"number":7}'), {})).toEqual({ number: 7 });
    expect(json<string>().encode('a')).toBe('"a"');
  });

  it('refuses what it cannot hold, and what is none', async () => {
    expect(await thrownBy(() => json<unknown>().encode(() => {}))).toBeInstanceOf(InvalidArgumentError);
    const error = await thrownBy(() => json().decode(utf8('{'), {}));
    expect(error).toBeInstanceOf(UnrecoverableError);
    expect(error).toMatchObject({ message: 'invalid payload: it is no JSON', cause: expect.any(SyntaxError) });
  });
});

describe('text and bytes', () => {
  it('go there and back', () => {
    expect(text().encode('für')).toBe('für');
    expect(text().decode(utf8('für'), {})).toBe('für');
    expect(text().contentType).toBe('text/plain; charset=utf-8');
    const some = utf8('abc');
    expect(bytes().encode(some)).toBe(some);
    expect(bytes().decode(some, {})).toBe(some);
    expect(bytes().contentType).toBe('application/octet-stream');
    expect(bytes('image/png').contentType).toBe('image/png');
  });

  it('refuse another type from a caller without types', async () => {
    const untyped: unknown = { a: 1 };
    const codecs: { encode(value: unknown): unknown }[] = [text(), bytes()];
    for (const codec of codecs) {
      expect(await thrownBy(() => codec.encode(untyped))).toMatchObject({
        name: 'InvalidArgumentError',
        field: 'value',
      });
    }
  });
});

describe('protobuf', () => {
  const codec = protobuf(TimestampSchema);

  it('takes a message or its initial values, and gives a message', () => {
    expect(codec.contentType).toBe('application/protobuf');
    const encoded = codec.encode({ seconds: 7n });
    expect(encoded).toEqual(codec.encode(create(TimestampSchema, { seconds: 7n })));
    expect(encoded).toBeInstanceOf(Uint8Array);
    if (encoded instanceof Uint8Array) {
      expect(codec.decode(encoded, {})).toEqual(create(TimestampSchema, { seconds: 7n }));
    }
  });

  it('refuses a value out of range, and bytes that are none', async () => {
    expect(await thrownBy(() => codec.encode({ nanos: 2 ** 40 }))).toMatchObject({
      name: 'InvalidArgumentError',
      field: 'value',
      message: expect.stringContaining('google.protobuf.Timestamp'),
    });
    const error = await thrownBy(() => codec.decode(utf8('no protobuf'), {}));
    expect(error).toBeInstanceOf(UnrecoverableError);
    expect(error).toMatchObject({ message: expect.stringContaining('it is no google.protobuf.Timestamp') });
  });
});

interface Order {
  readonly number: number;
  readonly items: readonly { readonly price: number }[];
}

const VALIDATORS: Record<string, StandardSchema<Order, Order>> = {
  zod: z.object({ number: z.number(), items: z.array(z.object({ price: z.number() })) }),
  valibot: v.object({ number: v.number(), items: v.array(v.object({ price: v.number() })) }),
  arktype: type({ number: 'number', items: type({ price: 'number' }).array() }),
};

describe.each(Object.entries(VALIDATORS))('a schema of %s', (_, schema) => {
  const codec = schemaCodec(schema);
  const good = '{"number":7,"items":[{"price":1},{"price":2}]}';
  const bad = good.replace('2', '"two"');

  it('lets through what fits', () => {
    expect(codec.contentType).toBe('application/json');
    expect(codec.encode(JSON.parse(good))).toBe(good);
    expect(codec.decode(utf8(good), {})).toEqual(JSON.parse(good));
  });

  it('says on publish what does not fit, and where', async () => {
    const error = await thrownBy(() => codec.encode(JSON.parse(bad)));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field: 'value.items[1].price', reason: 'BODY_INVALID', retryable: false });
    expect(error).toHaveProperty('message', expect.stringMatching(/^value\.items\[1\]\.price: .*number/));
  });

  it('makes a dead letter of what does not fit when it arrives', async () => {
    for (const body of [bad, 'no JSON', 'null']) {
      expect(await thrownBy(() => codec.decode(utf8(body), {}))).toBeInstanceOf(UnrecoverableError);
    }
    const error = await thrownBy(() => codec.decode(utf8(bad), {}));
    expect(error).toHaveProperty('message', expect.stringMatching(/^invalid payload: value\.items\[1\]\.price: /));
  });
});

describe('a schema', () => {
  it('may be asynchronous', async () => {
    const known = z.string().refine(async (name) => name === 'ann', 'nobody knows this one');
    const codec = schemaCodec(known);
    expect(await codec.encode('ann')).toBe('"ann"');
    expect(await codec.decode(utf8('"ann"'), {})).toBe('ann');
    expect(await thrownBy(() => codec.encode('bob'))).toMatchObject({ field: 'value', limit: 'nobody knows this one' });
    expect(await thrownBy(() => codec.decode(utf8('"bob"'), {}))).toBeInstanceOf(UnrecoverableError);
  });

  it('transforms what arrives, and sends what was given', () => {
    const codec = schemaCodec(
      z.object({ at: z.iso.datetime().transform((at) => new Date(at)), n: z.number().default(1) }),
    );
    expect(codec.encode({ at: '2026-01-01T00:00:00Z' })).toBe('{"at":"2026-01-01T00:00:00Z"}');
    expect(codec.decode(utf8('{"at":"2026-01-01T00:00:00Z"}'), {})).toEqual({ at: new Date('2026-01-01'), n: 1 });
  });

  it('names all that is wrong, and keys of any kind', async () => {
    const codec = schemaCodec(z.object({ a: z.number(), 'b.c': z.record(z.string(), z.boolean()) }));
    const error = await thrownBy(() => codec.decode(utf8('{"a":"1","b.c":{"d":1}}'), {}));
    expect(error).toHaveProperty('message', expect.stringMatching(/value\.a: .*; value\.b\.c\.d: /));
    const many = schemaCodec(z.array(z.number()));
    expect(await thrownBy(() => many.decode(utf8(JSON.stringify(Array(9).fill('x'))), {}))).toHaveProperty(
      'message',
      expect.stringMatching(/value\[4\]: .*; and 4 more$/),
    );
  });

  it('whose check itself fails says nothing about the payload: the message is tried again', async () => {
    const fault = new Error('the database is away');
    const codec = schemaCodec(
      v.pipeAsync(
        v.string(),
        v.checkAsync(() => Promise.reject(fault)),
      ),
    );
    expect(await thrownBy(() => codec.decode(utf8('"a"'), {}))).toBe(fault);
    expect(await thrownBy(() => codec.encode('a'))).toBe(fault);
  });
});
