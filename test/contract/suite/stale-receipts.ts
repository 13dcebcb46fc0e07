import { connect } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { fixedRetry } from '../../support/client-types.js';
import type { EngineUnderTest } from '../engines.js';
import { useBus } from '../use-bus.js';
import { beforeMarker, ids, numbered, receipts } from './messages.js';

/** Guarantee 4: who lost a message is told so, and changes nothing; who has it may settle it by any node. */
export function staleReceipts(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2, settings: { DLMExpiration: 1, NackdJobNextRunDelaySeconds: 0 } });

  test('after its lease ended a receipt is stale for every settle, and the message comes again', async () => {
    const topic = bus.topic('lease');
    const stream = await bus.client().subscribe(topic, 'c', { leaseSeconds: 1 });
    await bus.client().publishOne({ topic });
    const first = await stream.next();
    const second = await stream.next();
    expect([first.attempt, second.attempt]).toEqual([1, 2]);
    expect(second.id).toBe(first.id);
    expect(second.at).toBeGreaterThanOrEqual(first.leaseDeadlineMs);
    for (const by of [stream, bus.client(), bus.client(1)]) {
      expect(await by.ack([first.receipt])).toEqual(['stale']);
      expect(await by.nack([first.receipt], 0)).toEqual(['stale']);
      expect(await by.extend([first.receipt], 10)).toEqual(['stale']);
      expect(await by.reject([first.receipt])).toEqual(['stale']);
    }
    expect(await stream.ack([second.receipt])).toEqual(['ok']);
  });

  test('so it is for a message that was pulled', async () => {
    const topic = bus.topic('pulled-lease');
    await bus.client().makeChannel(topic, 'c');
    await bus.client().publishOne({ topic });
    const [first] = await bus.client().pull(topic, 'c', { leaseSeconds: 1 });
    const [second] = await bus.client(1).pull(topic, 'c', { waitMs: 10_000 });
    expect([first?.attempt, second?.attempt]).toEqual([1, 2]);
    const stale = [first?.receipt ?? ''];
    for (const by of [bus.client(), bus.client(1)]) {
      expect(await by.ack(stale)).toEqual(['stale']);
      expect(await by.nack(stale, 0)).toEqual(['stale']);
      expect(await by.extend(stale, 10)).toEqual(['stale']);
      expect(await by.reject(stale)).toEqual(['stale']);
    }
    expect(await bus.client().ack([second?.receipt ?? ''])).toEqual(['ok']);
  });

  test('a consumer whose stream broke has lost its messages to the next one', async () => {
    const topic = bus.topic('lost');
    const losing = await bus.client().subscribe(topic, 'c');
    await bus.client().publish(numbered(topic, 10));
    const lost = await losing.take(10);
    const winning = await bus.client(1).subscribe(topic, 'c');
    await losing.drop();
    const won = await winning.take(10);
    expect(await bus.client().ack(receipts(lost))).toEqual(Array(10).fill('stale'));
    expect(await bus.client(1).ack(receipts(lost))).toEqual(Array(10).fill('stale'));
    expect(await winning.ack(receipts(won))).toEqual(Array(10).fill('ok'));
  });

  test('a pulled message is settled by any node', async () => {
    const topic = bus.topic('pulled');
    await bus.client().makeChannel(topic, 'c', fixedRetry(10));
    await bus.client().publish(numbered(topic, 4));
    const pulled = await bus.client().pull(topic, 'c', { leaseSeconds: 60, max: 4 });
    const [a, b, c, d] = receipts(pulled);
    const other = bus.client(1);
    expect(await other.ack([a ?? ''])).toEqual(['ok']);
    expect(await other.nack([b ?? ''], 0)).toEqual(['ok']);
    expect(await other.reject([c ?? ''], 'broken')).toEqual(['ok']);
    expect(await other.extend([d ?? ''], 120)).toEqual(['ok']);
    const again = await bus.client().pull(topic, 'c', { waitMs: 10_000 });
    expect(again.map(({ id, attempt }) => [id, attempt])).toEqual([[pulled[1]?.id, 2]]);
    expect(await other.ack([d ?? ''])).toEqual(['ok']);
    expect(ids(await bus.ledger.deadLetters(topic))).toEqual([pulled[2]?.id]);
  });

  test('a pulled message outlives a SIGKILL of its gateway: its receipt still counts', async () => {
    const topic = bus.topic('pulled-kill');
    await bus.client().makeChannel(topic, 'c');
    await bus.client().publish(numbered(topic, 10));
    const pulled = await bus.client().pull(topic, 'c', { leaseSeconds: 60 });
    expect(pulled).toHaveLength(10);
    await bus.crash();
    expect(await bus.client().ack(receipts(pulled))).toEqual(Array(10).fill('ok'));
    const stream = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), stream, topic)).toEqual([]);
  });

  test('a streamed message that nobody else got can be acked after a SIGKILL of its gateway', async () => {
    const topic = bus.topic('streamed-kill');
    const stream = await bus.client().subscribe(topic, 'c');
    await bus.client().publish(numbered(topic, 10));
    const received = await stream.take(10);
    await bus.crash();
    expect(await bus.client().ack(receipts(received))).toEqual(Array(10).fill('ok'));
    const after = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), after, topic)).toEqual([]);
  });

  test('what is no receipt of this bus is unknown', async () => {
    const topic = bus.topic('nonsense');
    const stream = await bus.client().subscribe(topic, 'c');
    await bus.client().publishOne({ topic });
    const { receipt } = await stream.next();
    // Of a channel that does not exist.
    const foreign = receipt.replace(/^([sl])[0-9a-z]+/, '$1zzzzz');
    const nonsense = ['nonsense', '', 'a-b-c-d/e', `${receipt.slice(0, 3)}`, foreign];
    expect(foreign).not.toBe(receipt);
    expect(await stream.ack([...nonsense, receipt])).toEqual([...nonsense.map(() => 'unknown'), 'ok']);
    expect(await bus.client(1).nack(nonsense, 0)).toEqual(nonsense.map(() => 'unknown'));
  });

  test('an extension keeps a message past its first lease', async () => {
    const topic = bus.topic('extend');
    const stream = await bus.client().subscribe(topic, 'c', { leaseSeconds: 1 });
    await bus.client().publishOne({ topic });
    const { receipt } = await stream.next();
    expect(await stream.extend([receipt], 60)).toEqual(['ok']);
    expect(await beforeMarker(bus.client(), stream, topic, 1_800)).toEqual([]);
    expect(await stream.ack([receipt])).toEqual(['ok']);
  });

  test('so it does for a pulled message, by another node', async () => {
    const topic = bus.topic('extend-pulled');
    await bus.client().makeChannel(topic, 'c');
    await bus.client().publishOne({ topic });
    const pulled = await bus.client().pull(topic, 'c', { leaseSeconds: 1 });
    expect(await bus.client(1).extend(receipts(pulled), 60)).toEqual(['ok']);
    const stream = await bus.client().subscribe(topic, 'c');
    expect(await beforeMarker(bus.client(), stream, topic, 1_800)).toEqual([]);
    expect(await stream.ack(receipts(pulled))).toEqual(['ok']);
  });

  test('a handler that runs for several leases keeps its message, as the SDK extends it', async () => {
    const topic = bus.topic('long');
    const client = await connect(bus.gateway().rpcUrl);
    const attempts: number[] = [];
    let done: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      done = resolve;
    });
    const subscription = client.subscribe(
      topic,
      'c',
      async (message) => {
        attempts.push(message.attempt);
        if (message.text() === 'marker') done();
        // Runs until the marker is here, which is published now and due in more than three leases.
        else await Promise.all([client.publish(topic, 'marker', { delay: 3_300 }), finished]);
      },
      { lease: 1_000, concurrency: 5 },
    );
    await subscription.ready;
    const { id } = await client.publish(topic, 'long');
    await finished;
    await client.close();
    expect(attempts).toEqual([1, 1]);
    expect(await bus.ledger.records(topic, id)).toEqual([{ state: 'acked', attempt: 1 }]);
  });
}
