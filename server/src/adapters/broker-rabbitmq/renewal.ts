/**
 * The leader of a quorum queue may count a message as delivered to a consumer that never hears of it: when another node becomes the leader in
 * the moment between (rabbitmq-server#15473; open as of 4.2). RabbitMQ finds the gap with the consumer's next message, and where there is none, or
 * the consumer was cancelled, the message waits for as long as the AMQP channel lives. So channels that consume live for a while only.
 */
export interface RenewalTimes {
  /** A channel that had messages is renewed once it has been without any for so long. Default 10,000. */
  readonly quietMs: number;
  /** The most that one channel is used for. Default 300,000. */
  readonly ageMs: number;
}

export const RENEWAL: RenewalTimes = { quietMs: 10_000, ageMs: 300_000 };

/** A renewal makes every consumer of the channel anew: on average, no more often than this for each of them. */
const CONSUMER_MS = 100;

/** A queue that does not answer now may do so after this long. */
const PUT_OFF_MS = 60_000;

/** When the channel of a lane is to be renewed. Times are the steady clock's, in milliseconds. */
export class Renewal {
  #openedAt = 0;
  #busyAt: number | undefined;
  #notBefore = 0;

  constructor(private readonly times: RenewalTimes) {}

  opened(now: number): void {
    this.#openedAt = now;
    this.#busyAt = undefined;
  }

  putOff(now: number): void {
    this.#notBefore = now + PUT_OFF_MS;
  }

  /** To be asked about once a second. `busy`: something was delivered since it was last asked, or is not settled yet. */
  due(now: number, busy: boolean, consumers: number): boolean {
    if (busy) this.#busyAt = now;
    const age = now - this.#openedAt;
    if (age < consumers * CONSUMER_MS || now < this.#notBefore) return false;
    const quiet = this.#busyAt !== undefined && now - this.#busyAt >= this.times.quietMs;
    return quiet || age >= this.times.ageMs;
  }
}
