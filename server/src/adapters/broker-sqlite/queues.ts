import type { Channel } from '../../model/channel.js';
import { decodeFrame } from '../../model/frame-codec.js';
import type { QueueDepth, Queues } from '../../ports/queues.js';
import type { SqliteBroker } from './broker.js';

/** The queues in the data file. */
export class SqliteQueues implements Queues {
  constructor(private readonly broker: SqliteBroker) {}

  async depth(channel: Channel): Promise<QueueDepth> {
    const { frames, messages, approximate, first } = this.broker.waiting(channel.id);
    const oldest = first === undefined ? undefined : decodeFrame(Buffer.from(first))[0];
    return { frames, messages, approximate, oldestAt: oldest?.acceptedAt ?? 0 };
  }

  remove(channel: Channel, { withContents }: { readonly withContents: boolean }): Promise<void> {
    return this.broker.remove(channel, withContents);
  }

  /** There is no other gateway. */
  forget(): void {}
}
