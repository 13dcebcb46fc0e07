/**
 * Publishes and consumes in one process until it is killed: `node in-process-worker.mjs <file> <diary>`. The diary, a file, tells what was
 * answered, a line each: `p <how many> <id>` for a publish, `d - <id>` for a delivery, `i - <id>` and `a - <id>` before and after an ack.
 * A pipe would not do: what waits in the process for a slow reader is lost with it.
 */
import { openSync, writeSync } from 'node:fs';
import { openBus } from 'waybill';

const [file, diaryFile] = process.argv.slice(2);
const bus = await openBus({ file, RetryTimes: 100, NackdJobNextRunDelaySeconds: 0 });
const diary = openSync(diaryFile, 'a');
let published = 0;

function say(what, count, id) {
  writeSync(diary, `${what} ${count} ${id}\n`);
}

bus.subscribe(
  'orders',
  'billing',
  async (message) => {
    say('d', '-', message.id);
    if (Math.random() < 0.1) throw new Error('again');
    say('i', '-', message.id);
    await message.ack();
    say('a', '-', message.id);
  },
  { concurrency: 50, credit: 200 },
);

async function publishOnAndOn() {
  for (let number = 0; ; number++) {
    const { id } = await bus.publish('orders', { number });
    say('p', ++published, id);
  }
}

await Promise.all(Array.from({ length: 100 }, publishOnAndOn));
