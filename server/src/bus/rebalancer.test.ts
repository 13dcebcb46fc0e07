import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { SetClock } from '../fixture/clock.js';
import { Words } from '../fixture/rebalance.js';
import type { ChannelId } from '../model/channel.js';
import { Rebalancer } from './rebalancer.js';
import { Stall } from './stall.js';

class Channel {
  hungry = false;
  /** When it was asked to give way. */
  readonly asked: number[] = [];

  starves(): boolean {
    return this.hungry;
  }

  giveWay(now: number): void {
    this.asked.push(now);
  }
}

const [A, B] = [1 as ChannelId, 2 as ChannelId];

describe('the rebalancer', () => {
  let clock: SetClock;
  let words: Words;

  beforeEach(() => {
    clock = new SetClock();
    words = new Words();
  });

  /** A gateway that has both channels. */
  async function gateway() {
    const [a, b] = [new Channel(), new Channel()];
    const dispatchers = new Map([
      [A, a],
      [B, b],
    ]);
    const rebalancer = new Rebalancer({ rebalance: words.join(), dispatchers, clock, stall: new Stall() });
    await rebalancer.start();
    onTestFinished(() => rebalancer.stop());
    return { a, b, rebalancer };
  }

  function pass(ms: number, ...rebalancers: readonly Rebalancer[]): void {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      for (const rebalancer of rebalancers) rebalancer.runOnce();
    }
  }

  test('says at once that a channel is hungry, and again every 5 s while it is', async () => {
    const { a, rebalancer } = await gateway();
    pass(1_000, rebalancer);
    expect(words.said).toEqual([]);
    a.hungry = true;
    pass(100, rebalancer);
    expect(words.said).toEqual([[A]]);
    pass(4_900, rebalancer);
    expect(words.said).toHaveLength(1);
    pass(100, rebalancer);
    expect(words.said).toEqual([[A], [A]]);
  });

  test('says no more often that hunger comes and goes', async () => {
    const { a, rebalancer } = await gateway();
    for (let i = 0; i < 100; i++) {
      a.hungry = i % 2 === 0;
      pass(100, rebalancer);
    }
    expect(words.said).toHaveLength(2);
  });

  test('says in one word what is hungry at a time', async () => {
    const { a, b, rebalancer } = await gateway();
    a.hungry = true;
    b.hungry = true;
    pass(100, rebalancer);
    expect(words.said).toEqual([[A, B]]);
  });

  test('asks for way as soon as it hears, and again until what it heard is too old', async () => {
    const [{ a, b, rebalancer: here }, { a: there, rebalancer: hungry }] = [await gateway(), await gateway()];
    there.hungry = true;
    pass(100, hungry);
    expect(a.asked).toEqual([clock.now()]);
    there.hungry = false;
    pass(11_900, here);
    expect(a.asked).toHaveLength(120);
    pass(1_000, here);
    expect(a.asked).toHaveLength(120);
    expect(b.asked).toEqual([]);
    // Nobody gives way to himself.
    expect(there.asked).toEqual([]);
  });

  test('does not mind words about channels that it does not have', async () => {
    const { a, rebalancer } = await gateway();
    words.join().hungry([99 as ChannelId, A]);
    pass(200, rebalancer);
    expect(a.asked).toHaveLength(3);
  });

  test('says and asks nothing any more once it is stopped', async () => {
    const { a, rebalancer } = await gateway();
    await rebalancer.stop();
    await rebalancer.stop();
    a.hungry = true;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(words.said).toEqual([]);
  });
});
