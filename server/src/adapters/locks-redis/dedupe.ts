import type { ChainableCommander } from 'ioredis';
import { type Clock, systemClock } from '../../ports/clock.js';
import type { Dedupe, Known } from '../../ports/dedupe.js';
import type { RedisConnection, Script } from './connection.js';
import { Memory } from './memory.js';
import { ACCEPTED, BEGUN, formatRanges, readRanges } from './ranges.js';

/** How long a publish waits for Redis, before it goes on without. */
const ANSWER_MS = 250;
/** How long what was accepted may wait for a question to travel with; a message's answer need not wait for this. */
const ACCEPTED_MS = 5;
/** How often waits are looked at: one timer for all, instead of one for each. */
const SWEEP_MS = 50;
/** Bytes of one block's text before it is made shorter. */
const MAX_TEXT = 4_096;
/**
 * Keys of one call of a script. The client makes more garbage of a command than of a message: with a command a key, ids that
 * share none were most of what a gateway allocated. A call of so many keeps Redis for less than a millisecond.
 */
const MAX_KEYS = 100;

/**
 * Adds to each block's text, and answers what the texts said before. The window begins anew, for the youngest id's sake. The
 * texts, which have no commas, are one argument and one answer.
 *
 * A text that is too long is written anew with its ranges joined; if they do not join, the whole block becomes "begun", which
 * is always safe: its ids are published again when they come again, and the ledger drops the copies.
 */
const BEGIN = `
local before = {}
for added in string.gmatch(ARGV[1], '[^,]+') do
  local key = KEYS[#before + 1]
  local text = redis.call('GET', key) or ''
  if #text > tonumber(ARGV[3]) then
    local joined = {}
    for _, kind in ipairs({'b', 'a'}) do
      local ranges = {}
      for low, high in string.gmatch(text, kind .. '(%d+)%-?(%d*);') do
        ranges[#ranges + 1] = {tonumber(low), tonumber(high ~= '' and high or low)}
      end
      table.sort(ranges, function(x, y) return x[1] < y[1] end)
      local open
      for _, range in ipairs(ranges) do
        if open and range[1] <= open[2] + 1 then
          open[2] = math.max(open[2], range[2])
        else
          if open then joined[#joined + 1] = kind .. open[1] .. '-' .. open[2] .. ';' end
          open = range
        end
      end
      if open then joined[#joined + 1] = kind .. open[1] .. '-' .. open[2] .. ';' end
    end
    text = table.concat(joined)
    if #text > tonumber(ARGV[3]) / 2 then text = 'b0-65535;' end
    redis.call('SET', key, text)
  end
  if not string.find(text, added, 1, true) then redis.call('APPEND', key, added) end
  redis.call('PEXPIRE', key, ARGV[2])
  before[#before + 1] = text
end
return table.concat(before, ',')`;

/** Adds without reading. A key that is gone by now (expired, flushed) must not come back without an end. */
const ACCEPT = `
local at = 0
for added in string.gmatch(ARGV[1], '[^,]+') do
  at = at + 1
  redis.call('APPEND', KEYS[at], added)
  if redis.call('PTTL', KEYS[at]) < 0 then redis.call('PEXPIRE', KEYS[at], ARGV[2]) end
end`;

export interface RedisDedupeOptions {
  /** For how long an id is remembered after its last use. */
  readonly windowSeconds: number;
  /** See `Memory`. Default: what Redis does not know at first is new. */
  readonly isFresh?: () => Promise<boolean>;
  readonly clock?: Clock;
}

/** Ids that share a key in Redis: those that differ in their last four hex digits only. */
interface Block {
  readonly key: string;
  readonly numbers: number[];
  /** Where the ids stand in the call. */
  readonly places: number[];
}

/** What a script adds to a key. */
interface Addition {
  readonly key: string;
  readonly text: string;
}

type Answer = [error: Error | null, result: unknown];

/** A call of `begin` that waits for Redis. */
class Asking {
  readonly known: Known[];
  readonly since = performance.now();
  answered = false;

  constructor(
    readonly ids: readonly string[],
    readonly blocks: readonly Block[],
    readonly resolve: (known: Known[]) => void,
  ) {
    this.known = new Array(ids.length).fill('unsure');
  }

  /** What Redis does not know now, and may have known. */
  doubt(isDoubtful: (id: string) => boolean): void {
    for (let place = 0; place < this.known.length; place++) {
      if (this.known[place] === 'new' && isDoubtful(this.ids[place] ?? '')) this.known[place] = 'unsure';
    }
  }

  /** With what is known so far. */
  answer(): void {
    if (this.answered) return;
    this.answered = true;
    this.resolve(this.known);
  }
}

/**
 * Dedupe in Redis: one short text a block of ids. The calls of one tick travel together. While Redis is away or frozen,
 * every id is `unsure` at once; a Redis that freezes costs a publish 250 ms, once.
 */
export class RedisDedupe implements Dedupe {
  readonly #connection: RedisConnection;
  readonly #windowMs: number;
  readonly #memory: Memory;
  readonly #begin: Script;
  readonly #accept: Script;
  #gathered: Asking[] = [];
  #accepted: Addition[] = [];
  #keysPerCall = MAX_KEYS;
  #flushing = false;
  #flushingLater: NodeJS.Timeout | undefined;
  readonly #asking = new Set<Asking>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(connection: RedisConnection, options: RedisDedupeOptions) {
    this.#connection = connection;
    this.#windowMs = options.windowSeconds * 1000;
    const { isFresh = async () => true, clock = systemClock } = options;
    this.#memory = new Memory(connection, { windowMs: this.#windowMs, isFresh, clock });
    this.#begin = connection.script(BEGIN);
    this.#accept = connection.script(ACCEPT);
  }

  begin(topic: string, ids: readonly string[]): Promise<Known[]> {
    if (this.#connection.client === undefined) return Promise.resolve(ids.map(() => 'unsure'));
    if (ids.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const asking = new Asking(ids, this.#blocks(topic, ids), resolve);
      this.#gathered.push(asking);
      this.#asking.add(asking);
      this.#sweep ??= setInterval(() => this.#giveUpLate(), SWEEP_MS);
      this.#flushSoon();
    });
  }

  accepted(topic: string, ids: readonly string[]): void {
    if (this.#connection.client === undefined) return;
    for (const { key, numbers } of this.#blocks(topic, ids)) {
      this.#accepted.push({ key, text: formatRanges(ACCEPTED, numbers) });
    }
    this.#flushingLater ??= setTimeout(() => this.#flush(), ACCEPTED_MS);
  }

  #blocks(topic: string, ids: readonly string[]): Block[] {
    const blocks = new Map<string, Block>();
    let block: Block | undefined;
    let stem = '';
    for (let place = 0; place < ids.length; place++) {
      const id = ids[place] ?? '';
      // The ids of a batch come one after the other: comparing with the one before is a fifth of the work of taking each apart.
      let number = stem !== '' && id.length === UUID_LENGTH && id.startsWith(stem) ? lastNumber(id) : -1;
      if (block === undefined || number < 0) {
        const whole = !UUID.test(id);
        stem = whole ? '' : id.slice(0, STEM_LENGTH);
        number = whole ? 0 : lastNumber(id);
        // No topic has a `/` or `=`, so keys of different topics, and of blocks and whole ids, never meet.
        const key = `${this.#connection.prefix}:d:${topic}${whole ? `=${id}` : `/${stem}`}`;
        block = blocks.get(key);
        if (block === undefined) {
          // Literals, because most blocks of whole ids stay at one: an empty list gets room for seventeen with its first.
          block = { key, numbers: [number], places: [place] };
          blocks.set(key, block);
          continue;
        }
      }
      block.numbers.push(number);
      block.places.push(place);
    }
    return [...blocks.values()];
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    clearTimeout(this.#flushingLater);
    this.#flushingLater = undefined;
    const askings = this.#gathered;
    const accepted = this.#accepted;
    this.#gathered = [];
    this.#accepted = [];
    const pipeline = this.#connection.client?.pipeline();
    if (pipeline === undefined) {
      for (const asking of askings) this.#end(asking);
      return;
    }
    const begun: Addition[] = [];
    for (const { blocks } of askings) {
      for (const { key, numbers } of blocks) begun.push({ key, text: formatRanges(BEGUN, [...numbers]) });
    }
    const perCall = this.#keysPerCall;
    pipeline.get(this.#memory.key);
    const from = this.#call(pipeline, this.#accept, accepted, perCall);
    this.#call(pipeline, this.#begin, begun, perCall);
    pipeline
      .exec()
      .then((answers) => {
        const [memory, ...calls] = answers ?? [];
        if (memory?.[0] === null) this.#memory.heard(memory[1]);
        this.#answered(askings, calls, from, perCall);
      })
      .catch((error: unknown) => {
        this.#connection.logger.debug({ error }, 'Redis did not take the ids');
        for (const asking of askings) this.#end(asking);
      });
  }

  /** Answers how many calls it takes. */
  #call(pipeline: ChainableCommander, { sha }: Script, additions: readonly Addition[], perCall: number): number {
    for (let from = 0; from < additions.length; from += perCall) {
      const part = additions.slice(from, from + perCall);
      const texts = part.map(({ text }) => text).join(',');
      pipeline.evalsha(sha, part.length, ...part.map(({ key }) => key), texts, this.#windowMs, MAX_TEXT);
    }
    return Math.ceil(additions.length / perCall);
  }

  /** The answers from this one on say what was known before. */
  #answered(askings: readonly Asking[], answers: readonly Answer[], from: number, perCall: number): void {
    const failure = answers.find(([error]) => error !== null)?.[0];
    if (failure) this.#refused(failure);
    const texts = answers
      .slice(from)
      .flatMap(([, text]) =>
        typeof text === 'string' ? text.split(',') : new Array<undefined>(perCall).fill(undefined),
      );
    const isDoubtful = this.#memory.doubts();
    let next = 0;
    for (const asking of askings) {
      for (const block of asking.blocks) {
        const text = texts[next++];
        if (text !== undefined) readBlock(text, block, asking.known);
      }
      if (isDoubtful !== undefined) asking.doubt(isDoubtful);
      this.#end(asking);
    }
  }

  #refused(failure: Error): void {
    if (failure.message.startsWith('NOSCRIPT')) this.#connection.loadScripts();
    // A Redis that is a cluster takes keys of several slots one by one, even where it is a single node.
    if (failure.message.startsWith('CROSSSLOT')) this.#keysPerCall = 1;
    this.#connection.logger.debug({ error: failure }, 'Redis did not take all ids');
  }

  #end(asking: Asking): void {
    this.#asking.delete(asking);
    asking.answer();
  }

  #giveUpLate(): void {
    const late = performance.now() - ANSWER_MS;
    for (const asking of this.#asking) {
      if (asking.since > late) break;
      this.#connection.gotNoAnswer();
      this.#end(asking);
    }
    if (this.#asking.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

/** Lower case only: the same digits in upper case are another id. */
const UUID_LENGTH = 36;
/** Without the last four digits. */
const STEM_LENGTH = 32;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function readBlock(text: string, block: Block, known: Known[]): void {
  const states = readRanges(text, block.numbers);
  for (let index = 0; index < block.places.length; index++) {
    const place = block.places[index] ?? 0;
    known[place] = states[index] ?? 'unsure';
  }
}

/** The four characters behind the stem as a lower-case hex number; -1 when they are none. */
function lastNumber(id: string): number {
  let number = 0;
  for (let at = STEM_LENGTH; at < UUID_LENGTH; at++) {
    const code = id.charCodeAt(at);
    if (code >= 48 && code <= 57) number = number * 16 + code - 48;
    else if (code >= 97 && code <= 102) number = number * 16 + code - 87;
    else return -1;
  }
  return number;
}
