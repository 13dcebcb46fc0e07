/** What every load generator gets; each uses what it needs. */
export interface LoadSettings {
  /** The gateway, `host:port`. */
  readonly gateway: string;
  readonly amqpUrl: string;
  readonly redisUrl: string;
  readonly topic: string;
  /** The channel that consumes, or that keeps what nobody consumes. */
  readonly channel: string;
  /** The broker's queue behind the channel; empty on the embedded engine. */
  readonly queue: string;
  readonly bodyBytes: number;
  /** The most publishes that are not confirmed. */
  readonly window: number;
  /** The most messages that the consumer handles at a time. */
  readonly concurrency: number;
  /** The most messages that the consumer holds: the credit of ours, the prefetch of the peer. */
  readonly credit: number;
}

/** By name: messages a second, or milliseconds. */
export type Figures = Readonly<Record<string, number>>;

/** Sends so many messages, verifies what became of them, and throws unless all is well. */
export type Round = (messages: number) => Promise<Figures>;

/** From the bench to the load generator: the next round. */
export interface RoundRequest {
  readonly messages: number;
}

/** From the load generator: it is ready, a round is done, or a round went wrong. */
export type LoadReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly figures: Figures }
  | { readonly kind: 'failed'; readonly why: string };

/** The life of a load generator: prepare once, then a round whenever the bench asks. What it throws ends it. */
export async function serveRounds(prepare: (settings: LoadSettings) => Promise<Round>): Promise<void> {
  const settings: LoadSettings = JSON.parse(process.argv[3] ?? '');
  const round = await prepare(settings);
  process.on('message', ({ messages }: RoundRequest) => {
    round(messages).then(
      (figures) => report({ kind: 'done', figures }),
      (error: unknown) => report({ kind: 'failed', why: error instanceof Error ? `${error.stack}` : String(error) }),
    );
  });
  report({ kind: 'ready' });
}

/** Messages a second, since a `performance.now()`. */
export function rate(messages: number, since: number): Figures {
  return { rate: (messages * 1_000) / (performance.now() - since) };
}

export function expectCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw new Error(`${what}: ${count}, and ${expected} were expected`);
}

function report(message: LoadReport): void {
  process.send?.(message);
}
