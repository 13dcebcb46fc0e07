/** Adds jobs to a BullMQ queue and processes them, in one process. */
import { Queue, Worker } from 'bullmq';
import { expectCount, rate, serveRounds } from './serve-rounds.js';

/** Jobs an `addBulk`: as many of them are under way at a time as fill the window. */
const BULK = 250;

await serveRounds(async ({ redisUrl, topic, bodyBytes, window, concurrency }) => {
  const connection = { url: redisUrl };
  const job = { name: 'job', data: { body: 'A'.repeat(bodyBytes) }, opts: { removeOnComplete: true } };
  const queue = new Queue(topic, { connection });
  await queue.obliterate();
  return async (messages) => {
    let done = 0;
    let finish: () => void = () => {};
    let fail: (error: unknown) => void = () => {};
    const allDone = new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    const worker = new Worker(topic, async () => {}, { connection, concurrency });
    worker.on('completed', () => {
      if (++done === messages) finish();
    });
    worker.on('failed', (_, error) => fail(error));
    worker.on('error', (error) => fail(error));
    await worker.waitUntilReady();
    const start = performance.now();
    let added = 0;
    const add = async () => {
      while (added < messages) {
        const count = Math.min(BULK, messages - added);
        added += count;
        await queue.addBulk(Array.from({ length: count }, () => job));
      }
    };
    await Promise.all([allDone, ...Array.from({ length: Math.ceil(window / BULK) }, add)]);
    const figures = rate(messages, start);
    await worker.close();
    expectCount('jobs completed', done, messages);
    expectCount('jobs left', await queue.count(), 0);
    return figures;
  };
});
