import { setImmediate as turn } from 'node:timers/promises';
import {
  Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { Caller } from './caller.js';
import { DirectServices } from './services.js';
import type { CallStatus } from './status.js';
import type { StreamCall } from './stream-call.js';

const text = (bytes: Buffer) => bytes.toString();
const bytes = (value: unknown) => Buffer.from(String(value));

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<unknown, unknown> {
  return {
    path: `/test/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: text,
    responseSerialize: bytes,
    responseDeserialize: text,
  };
}

const DEFINITION = {
  unary: method('unary', false, false),
  list: method('list', false, true),
  talk: method('talk', true, true),
};

interface Handlers {
  unary?: (call: ServerUnaryCall<string, string>, callback: sendUnaryData<string>) => void;
  list?: (call: ServerWritableStream<string, string>) => void;
  talk?: (call: ServerDuplexStream<string, string>) => void;
}

const nothing = () => {};

function serve({ unary = nothing, list = nothing, talk = nothing }: Handlers): DirectServices {
  return new DirectServices([{ definition: DEFINITION, implementation: { unary, list, talk } }]);
}

const metadata = new Metadata();
metadata.set('authorization', 'Bearer x');
const CALLER: Caller = { metadata, peer: '10.0.0.1:5', host: 'bus', deadline: 7, auth: {} };

/** A caller of a stream that takes a response only when the test says so. */
class Listener {
  readonly said: string[] = [];
  status: CallStatus | undefined;
  drains = 0;
  take: () => void = nothing;

  message(response: Buffer, taken: () => void): void {
    this.said.push(text(response));
    this.take = taken;
  }

  ended(status: CallStatus): void {
    if (this.status !== undefined) throw new Error('ended twice');
    this.status = status;
  }

  drained(): void {
    this.drains++;
  }
}

/** A caller who takes every response at once. */
class Eager extends Listener {
  override message(response: Buffer, taken: () => void): void {
    super.message(response, taken);
    taken();
  }
}

function refusal(code: status, details: string) {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}

describe('a unary call', () => {
  it('reaches its handler as bytes, with who calls, and comes back as bytes', async () => {
    const services = serve({
      unary: (call, callback) => {
        const facts = [
          call.getPeer(),
          call.getHost(),
          call.getPath(),
          call.getDeadline(),
          call.metadata.get('authorization'),
        ];
        callback(null, `${call.request} ${facts.join(' ')}`);
      },
    });
    const answer = await new Promise((resolve) => {
      services.unary('/test/unary', Buffer.from('hello'), CALLER, (ended, response) =>
        resolve([ended.code, `${response}`]),
      );
    });
    expect(answer).toEqual([status.OK, 'hello 10.0.0.1:5 bus /test/unary 7 Bearer x']);
  });

  it('ends with the status that its handler gave', async () => {
    const services = serve({ unary: (_, callback) => callback(refusal(status.NOT_FOUND, 'gone')) });
    const ended = await new Promise((resolve) => {
      services.unary('/test/unary', Buffer.alloc(0), CALLER, resolve);
    });
    expect(ended).toMatchObject({ code: status.NOT_FOUND, details: 'gone' });
  });

  it('that is cancelled tells its handler, and takes no answer any more', () => {
    const ends: CallStatus[] = [];
    let answer = nothing;
    let cancelled = 0;
    const services = serve({
      unary: (call, callback) => {
        call.on('cancelled', () => cancelled++);
        answer = () => callback(null, 'late');
      },
    });
    const cancel = services.unary('/test/unary', Buffer.alloc(0), CALLER, (ended) => ends.push(ended));
    cancel();
    answer();
    cancel();
    expect(ends).toMatchObject([{ code: status.CANCELLED }]);
    expect(cancelled).toBe(1);
  });

  it('of a method that does not exist, or is no unary one, ends with INTERNAL', async () => {
    for (const path of ['/test/none', '/test/talk']) {
      const ended = await new Promise((resolve) => {
        serve({}).unary(path, Buffer.alloc(0), CALLER, resolve);
      });
      expect(ended).toMatchObject({ code: status.INTERNAL });
    }
  });
});

describe('a stream of responses', () => {
  it('waits until its caller takes them, and says so to its handler', async () => {
    let full = 0;
    let drained = false;
    const listener = new Listener();
    serve({
      list: (call) => {
        expect(call.request).toBe('all');
        while (call.write(`${full}`)) full++;
        call.once('drain', () => {
          drained = true;
        });
      },
    }).stream('/test/list', CALLER, listener, Buffer.from('all'));
    await turn();
    expect(listener.said).toEqual(['0']);
    expect(full).toBeGreaterThan(1);
    for (let i = 0; i < full + 2 && !drained; i++) {
      listener.take();
      await turn();
    }
    expect(drained).toBe(true);
    expect(listener.said.slice(0, 3)).toEqual(['0', '1', '2']);
  });

  it('ends with OK after the last one, and then closes', async () => {
    const events: string[] = [];
    const listener = new Eager();
    serve({
      list: (call) => {
        for (const name of ['cancelled', 'close']) call.on(name, () => events.push(name));
        call.write('one');
        call.end();
      },
    }).stream('/test/list', CALLER, listener, Buffer.alloc(0));
    await turn();
    await turn();
    expect(listener).toMatchObject({ said: ['one'], status: { code: status.OK } });
    expect(events).toEqual(['cancelled', 'close']);
  });

  it('that fails ends with its status, after all that was written', async () => {
    const listener = new Eager();
    serve({
      list: (call) => {
        for (let i = 0; i < 40; i++) call.write(`${i}`);
        call.emit('error', refusal(status.UNAVAILABLE, 'away'));
      },
    }).stream('/test/list', CALLER, listener, Buffer.alloc(0));
    await turn();
    await turn();
    expect(listener.said).toHaveLength(40);
    expect(listener.status).toMatchObject({ code: status.UNAVAILABLE, details: 'away' });
  });

  it('that its caller cancels tells its handler, and says nothing more', async () => {
    const events: string[] = [];
    const listener = new Eager();
    let write = nothing;
    const call = serve({
      list: (served) => {
        for (const name of ['cancelled', 'close', 'error']) served.on(name, () => events.push(name));
        write = () => served.write('late');
      },
    }).stream('/test/list', CALLER, listener, Buffer.alloc(0));
    call.cancel();
    write();
    await turn();
    expect(listener).toMatchObject({ said: [], status: { code: status.CANCELLED } });
    expect(events).toEqual(['cancelled', 'close']);
  });
});

describe('a stream both ways', () => {
  it('carries what is said either way, and ends when both have', async () => {
    const listener = new Eager();
    const call = serve({
      talk: (served) => {
        served.on('data', (request: string) => served.write(`re: ${request}`));
        served.on('end', () => served.end());
      },
    }).stream('/test/talk', CALLER, listener);
    for (const request of ['a', 'b']) expect(call.send(Buffer.from(request))).toBe(true);
    call.halfClose();
    await turn();
    await turn();
    expect(listener).toMatchObject({ said: ['re: a', 're: b'], status: { code: status.OK } });
  });

  it('that its handler does not read says when there is room again', async () => {
    const listener = new Eager();
    const heard: string[] = [];
    let served: ServerDuplexStream<string, string> | undefined;
    const call: StreamCall = serve({
      talk: (given) => {
        served = given;
        given.on('data', (request: string) => heard.push(request));
        given.pause();
      },
    }).stream('/test/talk', CALLER, listener);
    await turn();
    let sent = 1;
    while (call.send(Buffer.from(`${sent}`)) && sent < 1_000) sent++;
    expect(sent).toBeLessThan(1_000);
    const before = listener.drains;
    served?.resume();
    await turn();
    expect(listener.drains).toBeGreaterThan(before);
    expect(heard).toHaveLength(sent);
  });
});
