/**
 * The nodes of one RabbitMQ cluster, tried in rounds: each once a round, in an order that is new every time, so that gateways
 * spread over the nodes. The node whose connection was lost is the last of the next round.
 */
export class Nodes {
  readonly #urls: readonly URL[];
  /** What is left of this round; the next one to try is the last. */
  #round: URL[];

  constructor(urls: readonly string[], heartbeatSeconds: number) {
    this.#urls = urls.map((url) => parseUrl(url, heartbeatSeconds));
    this.#round = shuffled(this.#urls);
  }

  get size(): number {
    return this.#urls.length;
  }

  /** `host:port` of each, in the order of the config. */
  get hosts(): string[] {
    return this.#urls.map(({ host }) => host);
  }

  /** Whether every node of this round was tried. */
  get tried(): boolean {
    return this.#round.length === 0;
  }

  /** The next one to try; begins a new round when this one is over. */
  next(): URL {
    if (this.#round.length === 0) this.#round = shuffled(this.#urls);
    const next = this.#round.pop();
    if (next === undefined) throw new Error('no RabbitMQ address is given');
    return next;
  }

  /** A new round, after a connection to this node was up. */
  lost(node: URL): void {
    this.#round = [node, ...shuffled(this.#urls.filter((url) => url !== node))];
  }
}

function shuffled(urls: readonly URL[]): URL[] {
  const order = [...urls];
  for (let index = order.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    const [one, two] = [order[index], order[other]];
    if (one === undefined || two === undefined) continue;
    order[index] = two;
    order[other] = one;
  }
  return order;
}

function parseUrl(url: string, heartbeatSeconds: number): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error('the RabbitMQ address is not a URL: amqp://user:password@host:5672/vhost is expected');
  }
  if (parsed.protocol !== 'amqp:' && parsed.protocol !== 'amqps:') {
    throw new Error(`the RabbitMQ address begins with "${parsed.protocol}": amqp: or amqps: is expected`);
  }
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeatSeconds));
  return parsed;
}
