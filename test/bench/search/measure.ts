import { Admin, MessageState } from '@waybill/proto/waybill/v1/admin';
import { AdminClient } from '../../support/admin-client.js';
import { quantile } from '../figures.js';
import type { Subject } from '../watch.js';
import { CHANNELS, type Filled, keyOf, messageId, TOPICS, topicName } from './fill.js';

const { method } = Admin;
const DEEP_PAGES = 100;
const HOUR_MS = 3_600_000;
const CALL_MS = 120_000;

/** Milliseconds of a call, from a client's request to its answer. */
export interface SearchFigures {
  readonly name: string;
  /** One of the two that are promised. */
  readonly promised: boolean;
  /** Rows of the last answer. */
  readonly rows: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Asks one gateway, one call at a time, for messages all over the ledger: so many times for each search. */
export async function measure(subject: Subject, filled: Filled, samples: number): Promise<SearchFigures[]> {
  const admin = new AdminClient(subject.url);
  const find = async (request: object): Promise<Answer> => {
    const { messages, nextPageToken } = await admin.call(method.findMessages, request, CALL_MS);
    return { rows: messages.length, next: nextPageToken };
  };
  const figures: SearchFigures[] = [];
  const add = async (name: string, ask: (topic: number, n: number) => Promise<Answer>, promised = false) => {
    figures.push({ name, promised, ...(await sampled(filled, samples, ask)) });
  };
  const window = (n: number) => ({
    afterTimeMs: BigInt(filled.settledAt(n) - HOUR_MS),
    beforeTimeMs: BigInt(filled.settledAt(n)),
  });
  try {
    await add('id, with its topic', (topic, n) => find({ topic: topicName(topic), id: messageId(topic, n) }), true);
    await add('id alone', (topic, n) => find({ id: messageId(topic, n) }), true);
    await add('key', (topic, n) => find({ key: keyOf(topic, n) }), true);
    await add('key that no message has', (topic, n) => find({ key: `${keyOf(topic, n)}-x` }));
    await add('key, dead ones', (topic, n) => find({ key: keyOf(topic, n), states: [MessageState.DEAD] }));
    await add('one message with its timeline', async (topic, n) => {
      const request = { topic: topicName(topic), id: messageId(topic, n) };
      return { rows: (await admin.call(method.getMessage, request, CALL_MS)).timelines.length, next: '' };
    });
    await add('topic, acked, one hour', (topic, n) =>
      find({ topic: topicName(topic), states: [MessageState.ACKED], ...window(n) }),
    );
    await add('topic and channel, dead, one hour', (topic, n) =>
      find({ topic: topicName(topic), channel: CHANNELS[0], states: [MessageState.DEAD], ...window(n) }),
    );
    await add('all states, the newest', () => find({}));
    await add('dead letters of a topic', async (topic) => {
      const request = { query: { topic: topicName(topic) } };
      return { rows: (await admin.call(method.listDead, request, CALL_MS)).dead.length, next: '' };
    });
    const pages = Math.min(DEEP_PAGES, samples);
    figures.push({ name: `page after page, ${pages} pages of 100`, promised: false, ...(await deep(find, pages)) });
    return figures;
  } finally {
    admin.close();
  }
}

interface Answer {
  readonly rows: number;
  readonly next: string;
}

async function sampled(
  { perTopic }: Filled,
  samples: number,
  ask: (topic: number, n: number) => Promise<Answer>,
): Promise<Omit<SearchFigures, 'name' | 'promised'>> {
  const times: number[] = [];
  let rows = 0;
  for (let i = 0; i < samples; i++) {
    const topic = i % TOPICS;
    const n = Math.floor(Math.random() * perTopic);
    const from = performance.now();
    rows = (await ask(topic, n)).rows;
    times.push(performance.now() - from);
  }
  return { rows, ...quantiles(times) };
}

async function deep(
  find: (request: object) => Promise<Answer>,
  pages: number,
): Promise<Omit<SearchFigures, 'name' | 'promised'>> {
  const request = { topic: topicName(0), states: [MessageState.ACKED] };
  const times: number[] = [];
  let answer: Answer = { rows: 0, next: '' };
  for (let page = 0; page < pages; page++) {
    const from = performance.now();
    answer = await find({ ...request, pageToken: answer.next });
    times.push(performance.now() - from);
    if (answer.next === '') break;
  }
  return { rows: answer.rows, ...quantiles(times) };
}

function quantiles(times: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = times.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1) };
}
