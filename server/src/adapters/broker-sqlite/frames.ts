import type { ChannelId } from '../../model/channel.js';
import type { Frame } from '../../model/message.js';
import { COUNT_LIMIT } from '../../ports/page.js';
import type { Store } from '../sqlite/store.js';

export interface FrameRow {
  readonly seq: number;
  readonly body: Uint8Array;
  readonly verify: number;
}

export interface Acked {
  readonly channel: ChannelId;
  readonly seq: number;
}

/** The statements on frames and queues. Those that change something run inside `store.write`. */
export function framesOf(store: Store) {
  const insertFrame = store.prepare('INSERT INTO frames (topic, body, verify) VALUES (?, ?, ?)');
  const insertQueued = store.prepare('INSERT INTO queue (channel_id, seq, messages) VALUES (?, ?, ?)');
  const deleteQueued = store.prepare('DELETE FROM queue WHERE channel_id = ? AND seq = ?');
  const deleteFrame = store.prepare(
    'DELETE FROM frames WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM queue WHERE seq = ?1)',
  );
  const selectAfter = store.prepare<FrameRow>(
    `SELECT q.seq, f.body, f.verify FROM queue q JOIN frames f ON f.seq = q.seq
     WHERE q.channel_id = ? AND q.seq > ? ORDER BY q.seq LIMIT ?`,
  );
  const selectOne = store.prepare<FrameRow>('SELECT seq, body, verify FROM frames WHERE seq = ?');
  const selectLast = store.prepare<{ last: number }>(`SELECT seq AS last FROM sqlite_sequence WHERE name = 'frames'`);

  const selectCount = store.prepare<{ frames: number; messages: number | null }>(
    `SELECT count(*) AS frames, sum(messages) AS messages FROM (
       SELECT messages FROM queue WHERE channel_id = ? AND seq > ? ORDER BY seq LIMIT ${COUNT_LIMIT})`,
  );
  const selectMessages = store.prepare<{ messages: number | null }>(
    'SELECT sum(messages) AS messages FROM queue WHERE channel_id = ? AND seq IN (SELECT value FROM json_each(?))',
  );
  const selectQueued = store.prepare<{ seq: number }>('SELECT seq FROM queue WHERE channel_id = ? ORDER BY seq');

  return {
    /** What is past the cursor; counting stops at a limit. */
    count(channel: ChannelId, cursor: number): { frames: number; messages: number; more: boolean } {
      const { frames = 0, messages = 0 } = selectCount.get(channel, cursor) ?? {};
      return { frames, messages: messages ?? 0, more: frames >= COUNT_LIMIT };
    },
    messagesOf(channel: ChannelId, seqs: readonly number[]): number {
      return seqs.length === 0 ? 0 : (selectMessages.get(channel, JSON.stringify(seqs))?.messages ?? 0);
    },
    /** Empties the channel's queue. */
    clear(channel: ChannelId): void {
      for (const { seq } of selectQueued.all(channel)) {
        deleteQueued.run(channel, seq);
        deleteFrame.run(seq);
      }
    },
    add(frame: Frame, body: Uint8Array, channels: readonly ChannelId[]): void {
      const { lastInsertRowid: seq } = insertFrame.run(frame.topic, body, frame.verify ? 1 : 0);
      for (const channel of channels) insertQueued.run(channel, Number(seq), frame.messages.length);
    },
    forget(acked: readonly Acked[]): void {
      for (const { channel, seq } of acked) {
        deleteQueued.run(channel, seq);
        deleteFrame.run(seq);
      }
    },
    after(channel: ChannelId, seq: number, limit: number): FrameRow[] {
      return selectAfter.all(channel, seq, limit);
    },
    these(seqs: readonly number[]): FrameRow[] {
      const rows: FrameRow[] = [];
      for (const seq of seqs) {
        const row = selectOne.get(seq);
        if (row !== undefined) rows.push(row);
      }
      return rows;
    },
    /** The last seq that was ever given; 0 for a new file. */
    last(): number {
      return selectLast.get()?.last ?? 0;
    },
  };
}

export type Frames = ReturnType<typeof framesOf>;
