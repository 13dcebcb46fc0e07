// A consumer's process: `node holder-process.mjs URL TOPIC CHANNEL COUNT LEASE_SECONDS`. It holds what it gets, keeps its leases
// alive as the SDK does, and acks it all when its parent says so; then it tells what was answered. It ends with its parent.
import { connect } from '@waybill/sdk';

const [url, topic, channel, count, leaseSeconds] = process.argv.slice(2);
const held = Number(count);

process.once('disconnect', () => process.exit(1));
const toldToAck = new Promise((resolve) => process.once('message', resolve));

const bus = await connect({ url });
const answers = [];
bus.subscribe(
  topic,
  channel,
  async (message) => {
    process.send({ held: message.id });
    await toldToAck;
    answers.push(
      await message.ack().then(
        () => 'ok',
        (error) => error.name,
      ),
    );
    if (answers.length === held) process.send({ answers });
  },
  { concurrency: held, credit: held, settle: 'manual', lease: `${leaseSeconds}s` },
);
