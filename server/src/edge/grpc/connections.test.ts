import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { SetClock } from '../../fixture/clock.js';
import { Connections } from './connections.js';

class Call extends EventEmitter {
  constructor(private readonly peer: string) {
    super();
  }

  getPeer(): string {
    return this.peer;
  }
}

/** What a handler was given to answer with. */
function call(answer: unknown): void {
  if (typeof answer === 'function') Reflect.apply(answer, undefined, []);
}

test('a call counts from its beginning until it is answered, and for a minute after', () => {
  const clock = new SetClock();
  const connections = new Connections(clock);
  const answers: unknown[] = [];
  const { unary } = connections.watch({ unary: (...args: unknown[]) => void answers.push(args[1]) });
  const answered = vi.fn();
  const begin = () => Reflect.apply(unary ?? Object, undefined, [new Call('a:1'), answered]);
  begin();
  clock.advance(10);
  begin();
  const began = clock.now() - 10;
  expect(connections.sheets(10)).toEqual([
    { peer: 'a:1', since: began, lastCallAt: began + 10, openCalls: 2, calls: 2 },
  ]);
  for (const answer of answers) call(answer);
  expect(answered).toHaveBeenCalledTimes(2);
  expect(connections.sheets(10)).toMatchObject([{ openCalls: 0, calls: 2 }]);
  clock.advance(60_000);
  expect(connections.sheets(10)).toHaveLength(1);
  clock.advance(1);
  expect(connections.sheets(10)).toEqual([]);
});

test('a stream counts until it ends, however it does, and once', () => {
  const clock = new SetClock();
  const connections = new Connections(clock);
  const seen: unknown[][] = [];
  const { stream } = connections.watch({ stream: (...args: unknown[]) => void seen.push(args) });
  const calls = ['a:1', 'b:2'].map((peer) => new Call(peer));
  for (const call of calls) Reflect.apply(stream ?? Object, undefined, [call]);
  expect(seen).toEqual(calls.map((call) => [call]));
  calls[0]?.emit('cancelled');
  calls[0]?.emit('close');
  clock.advance(3_600_000);
  expect(connections.sheets(10).map(({ peer, openCalls }) => [peer, openCalls])).toEqual([['b:2', 1]]);
});

test('peers without end do not fill the memory, and those with an open call are kept', () => {
  const connections = new Connections(new SetClock());
  const { stream, unary } = connections.watch({
    stream: () => undefined,
    unary: (...args: unknown[]) => call(args[1]),
  });
  Reflect.apply(stream ?? Object, undefined, [new Call('open:1')]);
  for (let i = 0; i < 12_000; i++) Reflect.apply(unary ?? Object, undefined, [new Call(`p:${i}`), () => undefined]);
  const sheets = connections.sheets(100_000);
  expect(sheets.length).toBeLessThanOrEqual(10_000);
  expect(sheets[0]).toMatchObject({ peer: 'open:1', openCalls: 1 });
  expect(sheets.at(-1)?.peer).toBe('p:11999');
  expect(connections.sheets(5)).toHaveLength(5);
});
