/**
 * Publishes and consumes in one process until it is killed: `node in-process-worker.mjs <file> <name>`. It prints what was answered, a
 * line each: `p <how many> <id>` for a publish, `d - <id>` for a delivery, `i - <id>` and `a - <id>` before and
 * after an ack.
 */
import { openBus } from 'waybill';

const [file, name] = process.argv.slice(2);
const bus = await openBus({ file, RetryTimes: 100, NackdJobNextRunDelaySeconds: 0 });
let published = 0;

function say(what, count, id) {
  process.stdout.write(`${what} ${count} ${id}\n`);
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
    const { id } = await bus.publish('orders', { name, number });
    say('p', ++published, id);
  }
}

await Promise.all(Array.from({ length: 100 }, publishOnAndOn));
