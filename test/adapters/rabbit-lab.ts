import { randomBytes } from 'node:crypto';
import { type Channel as AmqpChannel, connect } from 'amqplib';
import { onTestFinished } from 'vitest';
import { RabbitBroker, type RabbitBrokerOptions } from '../../server/src/adapters/broker-rabbitmq/broker.js';
import type { Channel, ChannelId } from '../../server/src/model/channel.js';
import type { Message } from '../../server/src/model/message.js';
import { readIncoming, seal } from '../../server/src/model/message-codec.js';
import type { FrameDelivery, FrameSink } from '../../server/src/ports/broker.js';
import type { Logger } from '../../server/src/ports/logger.js';

/** Prefixes of their own keep tests apart on one broker. */
export function freshPrefix(): string {
  return `test-${randomBytes(5).toString('hex')}`;
}

export async function startBroker(options: RabbitBrokerOptions): Promise<RabbitBroker> {
  const broker = new RabbitBroker({ prefix: freshPrefix(), ...options });
  onTestFinished(() => broker.stop());
  await broker.start();
  return broker;
}

export function channelOf(topic: string, name = 'worker'): Channel {
  return { id: 1 as ChannelId, topic, name, retry: undefined };
}

/** A sealed message with these words as its body. */
export function messageOf(topic: string, id: string, body: Buffer = Buffer.from(id)): Message {
  const raw = Buffer.concat([field(0x12, Buffer.from(topic)), field(0x1a, body)]);
  return seal(readIncoming(raw, 0, raw.length), id, Date.now());
}

export function frameOf(topic: string, ...ids: readonly string[]) {
  return { topic, messages: ids.map((id) => messageOf(topic, id)), verify: false };
}

function field(tag: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

/** A sink that keeps what it gets, and can be waited for. */
export class Inbox implements FrameSink {
  readonly frames: FrameDelivery[] = [];
  losses = 0;
  readonly #settle: ((delivery: FrameDelivery) => void) | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(settle?: (delivery: FrameDelivery) => void) {
    this.#settle = settle;
  }

  get ids(): string[] {
    return this.frames.flatMap(({ messages }) => messages.map(({ id }) => id));
  }

  frame(delivery: FrameDelivery): void {
    this.frames.push(delivery);
    this.#settle?.(delivery);
    this.#changed();
  }

  lost(): void {
    this.losses++;
    this.#changed();
  }

  /** Resolves as soon as it holds; the test's own time limit applies. */
  async until(holds: (inbox: Inbox) => boolean): Promise<void> {
    while (!holds(this)) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

export const acking = (delivery: FrameDelivery): void => delivery.ack();

/** A plain client beside the adapter, as another program would be. */
export async function otherProgram(url: string): Promise<AmqpChannel> {
  const connection = await connect(url);
  connection.on('error', () => {});
  onTestFinished(() => connection.close().catch(() => {}));
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  return channel;
}

/** Keeps what was logged, so that a test can wait for a word. */
export class LogLines implements Logger {
  readonly lines: { level: string; fields: object; message: string }[] = [];

  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', fields, message });
  }

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }
}
