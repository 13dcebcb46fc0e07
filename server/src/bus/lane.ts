import { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';
import type { Broker, Routing } from '../ports/broker.js';
import type { Telemetry } from '../ports/telemetry.js';
import type { PublishRequest } from './publish-request.js';

/** A message on its way to the broker, and the call that waits for it. */
export interface Passenger {
  readonly message: Message;
  readonly request: PublishRequest;
  readonly index: number;
  /** It may be in the broker already. */
  verify: boolean;
  /** Its place in the order of the lane. */
  place: number;
}

export interface LaneOptions {
  /** Most messages a frame, config `FrameMaxMessages`. */
  readonly frameMessages: number;
  /** A frame is closed when it passes this size. */
  readonly frameBytes: number;
}

/**
 * While this many frames of a topic wait for their confirm, a frame that is not full waits for one of them. So a lone message
 * goes at once and no timer ever fills a frame, yet under load the frames fill by themselves.
 */
const PARTIAL_FRAMES = 4;
/** Full frames go on up to here; then the broker is the bottleneck, and the wait is visible to publishers. */
const FULL_FRAMES = 256;

/** Packs what waits for one topic into frames, in order, and keeps them in flight. */
export class Lane {
  #waiting: Passenger[] = [];
  #head = 0;
  #inFlight = 0;
  #places = 0;
  /** Frames that failed, until the next `resume` puts them back in their places. */
  #returned: Passenger[] = [];
  /** The broker refused a frame: nothing goes until the next `resume`, so that no fault of it makes a loop without a pause. */
  #resting = false;

  constructor(
    readonly topic: string,
    private readonly broker: Broker,
    private readonly options: LaneOptions,
    private readonly telemetry: Telemetry,
    private readonly arrived: (passengers: Passenger[], routing: Routing) => void,
    private readonly failed: (passengers: Passenger[], error: BusError) => void,
  ) {}

  get idle(): boolean {
    return this.#inFlight === 0 && this.#returned.length === 0 && this.#head === this.#waiting.length;
  }

  add(passenger: Passenger): void {
    passenger.place = this.#places++;
    this.#waiting.push(passenger);
  }

  /** Goes on after a rest. */
  resume(): void {
    if (this.#returned.length > 0) {
      const all = this.#returned.concat(this.#waiting.slice(this.#head));
      this.#waiting = all.sort((one, two) => one.place - two.place);
      this.#head = 0;
      this.#returned = [];
    }
    this.#resting = false;
    this.flush();
  }

  /** Sends what may be sent now. */
  flush(): void {
    while (this.#head < this.#waiting.length && !this.#resting && this.broker.health() === undefined) {
      const end = this.#frameEnd();
      const full = end - this.#head >= this.options.frameMessages || end < this.#waiting.length;
      if (this.#inFlight >= (full ? FULL_FRAMES : PARTIAL_FRAMES)) break;
      const frame = this.#waiting.slice(this.#head, end);
      this.#head = end;
      this.#send(frame);
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Forgets those whose call was answered without them, so that a long outage holds no dead weight. Answers their bytes. */
  dropAnswered(): number {
    let bytes = 0;
    const waiting: Passenger[] = [];
    for (let i = this.#head; i < this.#waiting.length; i++) {
      const passenger = this.#waiting[i] as Passenger;
      if (passenger.request.answered) bytes += passenger.message.wire.length;
      else waiting.push(passenger);
    }
    this.#waiting = waiting;
    this.#head = 0;
    return bytes;
  }

  /** Where the next frame ends: it is full, or the next message would be of another kind. */
  #frameEnd(): number {
    const first = this.#waiting[this.#head];
    const last = Math.min(this.#waiting.length, this.#head + this.options.frameMessages);
    let bytes = 0;
    let end = this.#head;
    for (; end < last; end++) {
      const passenger = this.#waiting[end];
      if (passenger === undefined || passenger.verify !== first?.verify) break;
      bytes += passenger.message.wire.length;
      if (bytes > this.options.frameBytes && end > this.#head) break;
    }
    return end;
  }

  #send(passengers: Passenger[]): void {
    this.#inFlight++;
    const verify = passengers[0]?.verify === true;
    const frame = { topic: this.topic, messages: passengers.map((passenger) => passenger.message), verify };
    const { meters, watch } = this.telemetry;
    const began = performance.now();
    const sent = watch?.sending(frame);
    this.broker.publish(frame, { topic: this.topic }).then(
      (routing) => {
        this.#inFlight--;
        meters.confirm.observe((performance.now() - began) / 1000);
        sent?.(undefined);
        this.arrived(passengers, routing);
        this.flush();
      },
      (error: unknown) => {
        this.#inFlight--;
        sent?.(error);
        const failure = BusError.from(error);
        if (failure.reason === 'BROKER_UNAVAILABLE') this.#board(passengers);
        else this.failed(passengers, failure);
        this.flush();
      },
    );
  }

  /** It is not known whether the broker has them: they go again, marked to be verified, until their call's deadline. */
  #board(passengers: Passenger[]): void {
    for (const passenger of passengers) passenger.verify = true;
    this.#returned.push(...passengers);
    this.#resting = true;
  }
}
