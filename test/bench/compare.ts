import { randomBytes } from 'node:crypto';
import { BODY_BYTES, type Comparison, WINDOW } from './comparisons.js';
import { type Line, line, lineAgainst } from './figures.js';
import type { Lab, LabGateway } from './lab.js';
import { Load } from './load.js';
import type { Figures, LoadSettings } from './loads/serve-rounds.js';

const CHANNEL = 'bench';

type Subject = Pick<LabGateway, 'name' | 'url' | 'log' | 'remove'>;

/** One warm-up of each, then ours and the peer in turn, so that what disturbs the machine for a while meets both. */
export async function compare(lab: Lab, comparison: Comparison, rounds: number, messages: number): Promise<Line[]> {
  const { engine, settings: gatewaySettings } = comparison;
  const gateway = engine === 'none' ? noGateway() : await lab.gateway(engine, gatewaySettings);
  const loads: Load[] = [];
  try {
    const settings = loadSettings(lab, gateway, comparison);
    const { peer } = comparison;
    const ours = await started(loads, comparison.ours, settings);
    const theirs = typeof peer === 'string' ? await started(loads, peer, settings) : undefined;
    const each = Math.max(100, Math.round(messages * comparison.share));
    await ours.round(each);
    await theirs?.round(each);
    const [mine, others]: [Figures[], Figures[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      mine.push(await ours.round(each));
      if (theirs !== undefined) others.push(await theirs.round(each));
    }
    return comparison.lines.map(({ figure, ...promise }) =>
      typeof peer === 'string'
        ? line(promise, column(mine, figure), column(others, figure))
        : lineAgainst(promise, column(mine, figure), peer.published),
    );
  } catch (error) {
    if (engine !== 'none') console.error(`The gateway's log ends with:\n${gateway.log().slice(-4_000)}`);
    throw error;
  } finally {
    for (const load of loads) load.stop();
    await gateway.remove();
  }
}

async function started(loads: Load[], name: string, settings: LoadSettings): Promise<Load> {
  const load = await Load.start(name, settings);
  loads.push(load);
  return load;
}

/** For what needs none: the name is that of the topic. */
function noGateway(): Subject {
  return { name: `bench-${randomBytes(5).toString('hex')}`, url: '', log: () => '', remove: async () => {} };
}

function loadSettings(lab: Lab, gateway: Subject, comparison: Comparison): LoadSettings {
  const { engine, window, concurrency = WINDOW, channel = CHANNEL } = comparison;
  const topic = gateway.name;
  return {
    gateway: gateway.url,
    amqpUrl: lab.urls.rabbitmq,
    redisUrl: lab.urls.redis,
    topic,
    channel,
    queue: engine === 'cluster' ? `${gateway.name}/${topic}/${channel}` : '',
    bodyBytes: BODY_BYTES,
    window,
    concurrency,
    // The embedded engine has a peer that knows no credit, only how many jobs run at a time: ours is the SDK's default for as many.
    credit: engine === 'cluster' ? WINDOW : 4 * concurrency,
  };
}

function column(rounds: readonly Figures[], figure: string): number[] {
  return rounds.map((figures) => {
    const value = figures[figure];
    if (value === undefined) throw new Error(`a round has no figure "${figure}"`);
    return value;
  });
}
