import type { Engine, Settings } from '../support/gateway.js';
import type { Line } from './figures.js';

/** Something that Waybill does, and the same thing done by the peer. */
export interface Comparison {
  /** What `--only` takes. */
  readonly number: number;
  readonly title: string;
  /** `none`: what is compared runs inside of the load generators. */
  readonly engine: Engine | 'none';
  readonly settings: Settings;
  /** Files of `loads/`; a peer may also be what others have published of it. */
  readonly ours: string;
  readonly peer: string | PublishedFigure;
  readonly window: number;
  /** Of `--messages`: what is slow sends less, so that no comparison takes most of the time. */
  readonly share: number;
  /** Handlers or workers at a time; WINDOW where it is not said. */
  readonly concurrency?: number;
  /** The channel that is consumed; `bench` where it is not said. */
  readonly channel?: string;
  readonly lines: readonly PromisedLine[];
}

/** What its design states of a peer that is not run here: another machine, another day. */
export interface PublishedFigure {
  readonly published: number;
}

export interface PromisedLine extends Pick<Line, 'name' | 'unit' | 'floor'> {
  /** The name of the figure that the loads give. */
  readonly figure: string;
}

export const BODY_BYTES = 256;
export const WINDOW = 1_000;
export const UNARY_WINDOW = 100;
/** Messages that a consumer handles at a time, in the comparison with BullMQ. */
export const CONCURRENCY = 100;
/** Clients of event-bus that each take a message, ack it, and take the next: as many as its own figures are for. */
export const MQ_WORKERS = 256;
/** Messages that the original event-bus settles a second, rows in MySQL, on 2 cores with 256 bytes and as many clients. */
const EVENT_BUS_SETTLED = 900;

/** An event takes so little time that a round needs many to be measured. */
const EVENTS_SHARE = 20;

const FRAMES_OFF = { FrameMaxMessages: 1 };

export const COMPARISONS: readonly Comparison[] = [
  {
    number: 1,
    title: 'SDK publish, confirmed, one topic | amqplib publish, confirmed',
    engine: 'cluster',
    settings: {},
    ours: 'sdk-publish',
    peer: 'raw-publish',
    window: WINDOW,
    share: 1,
    lines: [throughput('publish, confirmed', 1.5)],
  },
  {
    number: 2,
    title: 'SDK publish, deliver, durable ack, full ledger | amqplib publish, consume, ack each, no ledger',
    engine: 'cluster',
    settings: {},
    ours: 'sdk-end-to-end',
    peer: 'raw-end-to-end',
    window: WINDOW,
    share: 1,
    lines: [throughput('publish, deliver, ack', 0.9)],
  },
  {
    number: 3,
    title: 'unary publish by h2load | amqplib publish, confirmed, the same window',
    engine: 'cluster',
    settings: {},
    ours: 'h2load',
    peer: 'raw-publish',
    window: UNARY_WINDOW,
    share: 0.5,
    lines: [throughput('unary publish, 100 in flight', 0.8)],
  },
  {
    number: 4,
    title: 'embedded engine, durable, end to end by the SDK | BullMQ on Redis without fsync: add, process',
    engine: 'embedded',
    settings: {},
    ours: 'sdk-end-to-end',
    peer: 'bullmq-end-to-end',
    window: WINDOW,
    share: 0.5,
    concurrency: CONCURRENCY,
    lines: [throughput('embedded, end to end', 3)],
  },
  {
    number: 5,
    title: 'as 1, with frames off',
    engine: 'cluster',
    settings: FRAMES_OFF,
    ours: 'sdk-publish',
    peer: 'raw-publish',
    window: WINDOW,
    share: 0.5,
    lines: [throughput('publish, frames off', 0.75)],
  },
  {
    number: 6,
    title: 'as 2, with frames off',
    engine: 'cluster',
    settings: FRAMES_OFF,
    ours: 'sdk-end-to-end',
    peer: 'raw-end-to-end',
    window: WINDOW,
    share: 0.5,
    lines: [throughput('end to end, frames off', 0.5)],
  },
  {
    number: 7,
    title: 'a lone message, one at a time, by the SDK | by amqplib; less is better',
    engine: 'cluster',
    settings: {},
    ours: 'sdk-latency',
    peer: 'raw-latency',
    window: 1,
    share: 0.01,
    lines: [latency('confirmed p50'), latency('confirmed p99'), latency('delivered p50'), latency('delivered p99')],
  },
  {
    number: 8,
    title: 'mq.Mq Subscribe and Ack, settled in MySQL | event-bus, published by its design, not measured here',
    engine: 'cluster',
    settings: {},
    ours: 'mq-subscribe-ack',
    peer: { published: EVENT_BUS_SETTLED },
    window: WINDOW,
    share: 0.25,
    concurrency: MQ_WORKERS,
    channel: 'default',
    lines: [throughput('mq subscribe, ack', 3)],
  },
  {
    number: 9,
    title: 'embedded engine inside the process, durable, end to end | BullMQ on Redis without fsync: add, process',
    engine: 'none',
    settings: {},
    ours: 'in-process-end-to-end',
    peer: 'bullmq-end-to-end',
    window: WINDOW,
    share: 0.5,
    concurrency: CONCURRENCY,
    lines: [throughput('in process, end to end', 3)],
  },
  {
    number: 10,
    title: 'events through the bus in memory | an EventEmitter, which calls its listener inside of emit',
    engine: 'none',
    settings: {},
    ours: 'local-events',
    peer: 'event-emitter',
    window: WINDOW,
    share: EVENTS_SHARE,
    lines: [events('in memory, emit', 'emit'), events('in memory, awaited publish', 'publish')],
  },
  {
    number: 11,
    title: 'as 10 | an EventTarget',
    engine: 'none',
    settings: {},
    ours: 'local-events',
    peer: 'event-target',
    window: WINDOW,
    share: EVENTS_SHARE,
    lines: [events('in memory, emit (EventTarget)', 'emit')],
  },
];

function throughput(name: string, floor: number): PromisedLine {
  return { name, unit: 'messages/s', floor, figure: 'rate' };
}

function events(name: string, figure: string): PromisedLine {
  return { name, unit: 'messages/s', floor: null, figure };
}

function latency(figure: string): PromisedLine {
  return { name: `lone message ${figure}`, unit: 'ms', floor: null, figure };
}
