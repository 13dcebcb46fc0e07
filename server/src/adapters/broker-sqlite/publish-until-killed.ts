/** For a test: publishes to the data file that it is given until it is killed, and prints every id that was confirmed. */
import type { ChannelId } from '../../model/channel.js';
import { message } from '../sqlite/fixture.js';
import { openStore } from '../sqlite/store.js';
import { SqliteBroker } from './broker.js';

const [, , file = ''] = process.argv;
const broker = new SqliteBroker(openStore({ file }));
await broker.declare({ id: 1 as ChannelId, topic: 'orders', name: 'shop', retry: undefined });
await Promise.all(Array.from({ length: 20 }, (_, publisher) => publishEndlessly(publisher)));

async function publishEndlessly(publisher: number): Promise<void> {
  for (let count = 0; ; count++) {
    const id = `${publisher}-${count}`;
    await broker.publish({ topic: 'orders', messages: [message('orders', id)], verify: false }, { topic: 'orders' });
    process.stdout.write(`${id}\n`);
  }
}
