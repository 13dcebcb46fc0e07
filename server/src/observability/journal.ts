import type { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';
import { traceIdOf } from '../model/trace-context.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Ended, Journal } from '../ports/telemetry.js';
import { Rare } from './rare.js';

/** Says in the log what became of single messages that did not go the usual way; of the same on one channel, a few in a while. */
export class LogJournal implements Journal {
  readonly #rare: Rare;

  constructor(
    private readonly logger: Logger,
    clock: Clock,
  ) {
    this.#rare = new Rare(clock);
  }

  dead(ended: Ended): void {
    this.#say('warn', 'a message is a dead letter', ended.topic, ended.channel, () => fieldsOf(ended));
  }

  expired(ended: Ended): void {
    this.#say('info', 'a message expired', ended.topic, ended.channel, () => fieldsOf(ended));
  }

  parked({ topic, id, wire }: Message): void {
    this.#say('info', 'a message is parked: no channel wants its topic yet', topic, '', () => ({
      topic,
      id,
      ...traceOf(wire),
    }));
  }

  refused(topic: string, id: string, { reason, message, field }: BusError): void {
    const fields = () => ({ topic, id, reason, problem: message, ...(field === undefined ? {} : { field }) });
    this.#say('info', 'a message was refused', topic, reason, fields);
  }

  #say(level: 'info' | 'warn', words: string, topic: string, part: string | number, fields: () => object): void {
    const held = this.#rare.pass(`${words}/${topic}/${part}`);
    if (held === undefined) return;
    this.logger[level](held === 0 ? fields() : { ...fields(), notSaid: held }, words);
  }
}

function fieldsOf({ channel, topic, id, attempt, consumer, change }: Ended): object {
  const { reason, wire } = change;
  return {
    topic,
    ...(channel === 0 ? {} : { channel }),
    id,
    ...(attempt === 0 ? {} : { attempt }),
    ...(consumer === '' ? {} : { consumer }),
    ...(reason === undefined ? {} : { reason }),
    ...(wire === undefined ? {} : traceOf(wire)),
  };
}

export function traceOf(wire: Uint8Array): { readonly traceId?: string } {
  const traceId = traceIdOf(wire);
  return traceId === undefined ? {} : { traceId };
}
