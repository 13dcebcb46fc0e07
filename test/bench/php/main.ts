import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { php, preparePhp } from '../../php/php.js';
import { ensureDebianPackages } from '../../support/services/debian.js';
import { Lab, type LabGateway } from '../lab.js';

interface Comparison {
  readonly title: string;
  /** What it is called in bench.php, after `waybill` and `amqplib`. */
  readonly load: string;
  readonly messages: number;
}

/** 256-byte bodies; a durable quorum queue on the same broker; a publish counts when it is confirmed, a message when it is acked. */
const COMPARISONS: readonly Comparison[] = [
  // As under FPM, where nothing outlives the request.
  { title: 'connect, publish one, close', load: 'publish from requests', messages: 500 },
  { title: 'publish, one at a time', load: 'publish one', messages: 1_000 },
  { title: 'publish, many under way', load: 'publish many', messages: 20_000 },
  { title: 'consume and ack', load: 'consume', messages: 10_000 },
];

/** Runs the comparisons and prints a line for each; answers the exit code. */
export async function benchPhp(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '3' } } });
  const rounds = Math.max(1, Number(values.rounds) || 3);
  const load = loadavg()[0] ?? 0;
  await preparePhp();
  await ensureDebianPackages(['php-amqplib']);
  const lab = await Lab.open({ h2load: false });
  try {
    const gateway = await lab.gateway('cluster', {});
    try {
      if (load > 1)
        console.log(`The machine was not quiet (load ${load.toFixed(1)}): only the ratios mean something.\n`);
      console.log(
        `${'messages a second'.padEnd(28)}${'Waybill'.padStart(10)}${'php-amqplib'.padStart(13)}${'ratio'.padStart(8)}`,
      );
      for (const comparison of COMPARISONS) console.log(await compare(comparison, lab, gateway, rounds));
    } finally {
      await gateway.remove();
    }
  } finally {
    await lab.close();
  }
  return 0;
}

/** One after the other, in turns, so that what else the machine does hits both; the middle of the rounds counts. */
async function compare(
  { title, load, messages }: Comparison,
  lab: Lab,
  gateway: LabGateway,
  rounds: number,
): Promise<string> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    theirs.push(await measure(`amqplib ${load}`, lab.urls.rabbitmq, messages));
    ours.push(await measure(`waybill ${load}`, gateway.url, messages));
  }
  const [our, their] = [median(ours), median(theirs)];
  const numbers = `${our.toFixed(0).padStart(10)}${their.toFixed(0).padStart(13)}${(our / their).toFixed(2).padStart(8)}`;
  return `${title.padEnd(28)}${numbers}`;
}

async function measure(load: string, url: string, messages: number): Promise<number> {
  const name = `bench.${randomBytes(6).toString('hex')}`;
  const program = new URL('bench.php', import.meta.url).pathname;
  return Number(await php([program, load, url, name, String(messages)], { timeoutMs: 300_000 }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
