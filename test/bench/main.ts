import { writeFileSync } from 'node:fs';
import { SETTINGS } from '../../server/src/config/schema.js';
import { ServicesMissing } from '../support/services/choose.js';
import { PackagesMissing } from '../support/services/debian.js';
import { compare } from './compare.js';
import { COMPARISONS, type Comparison } from './comparisons.js';
import { conditions, isBusy, terms } from './conditions.js';
import type { Line } from './figures.js';
import { Lab } from './lab.js';
import { faults, report as millionReport } from './million/report.js';
import { million } from './million/run.js';
import { type Options, parseOptions, UsageError } from './options.js';
import { search, faults as searchFaults, report as searchReport } from './search/run.js';
import { planOfSoak, SOAK_HEADER, soakFaults, soakLine, soakVerdict } from './soak/report.js';
import { soak } from './soak/run.js';
import { records, table } from './table.js';
import type { Subject } from './watch.js';

const CONNECTION_LIMIT = SETTINGS.BackConsumerGoroutineNum.default;

const HELP = `npm run bench -- [options]

Measures Waybill beside its peers, in one run on this machine, and prints both figures and their ratio.
A ratio below its floor is marked, and is no failure.

  --only N,N       only these comparisons (all)
  --rounds N       rounds of each side (5)
  --messages N     messages a round of the fastest comparisons; others send a share of it (60000)
  --million [N]    instead: a backlog and a schedule of N messages (1000000), idle subscribers, memory, lateness
  --search         instead: a ledger of 10000000 records, how long it takes to find some, and how they are found
  --rows N         records of --search
  --soak TIME      instead: a steady mix of everything for so long (30s, 10m, 2h), a line a period; does memory grow?
  --json FILE      also writes the figures

${COMPARISONS.map(({ number, title }) => `  ${number}  ${title}`).join('\n')}
`;

/** Answers the exit code. */
export async function bench(args: readonly string[], loadAtStart: number): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.help) console.log(HELP);
    else if (options.million !== undefined) return await measureMillion(options, options.million, loadAtStart);
    else if (options.search !== undefined) return await measureSearch(options, options.search, loadAtStart);
    else if (options.soakMs !== undefined) return await measureSoak(options, options.soakMs, loadAtStart);
    else await measure(options, chosen(options), loadAtStart);
    return 0;
  } catch (error) {
    const plain = error instanceof UsageError || error instanceof ServicesMissing || error instanceof PackagesMissing;
    console.error(plain ? error.message : error);
    return 1;
  }
}

function chosen({ only }: Options): readonly Comparison[] {
  const unknown = only.filter((number) => !COMPARISONS.some((comparison) => comparison.number === number));
  if (unknown.length > 0) throw new UsageError(`--only: there is no comparison ${unknown.join(', ')}; see --help`);
  return only.length === 0 ? COMPARISONS : COMPARISONS.filter(({ number }) => only.includes(number));
}

async function measure(options: Options, comparisons: readonly Comparison[], loadAtStart: number): Promise<void> {
  const needs = { h2load: comparisons.some(({ ours }) => ours === 'h2load') };
  await inLab(needs, loadAtStart, terms(options), async (lab) => {
    const lines: Line[] = [];
    for (const comparison of comparisons) {
      console.error(`  ${comparison.number}  ${comparison.title}`);
      lines.push(...(await compare(lab, comparison, options.rounds, options.messages)));
    }
    console.log(`\n${table(lines)}`);
    if (lines.some(({ published }) => published)) {
      console.log('\n(published): by its design, on another machine; not measured here');
    }
    write(options, records(lines));
  });
}

async function measureMillion(options: Options, messages: number, loadAtStart: number): Promise<number> {
  return inLab({ h2load: false }, loadAtStart, [], async (lab) => {
    const figures = await onGateway(lab, (subject) => million(subject, messages, say));
    console.log(`\n${millionReport(figures, CONNECTION_LIMIT)}`);
    write(options, figures);
    return complain(faults(figures, CONNECTION_LIMIT));
  });
}

async function measureSearch(options: Options, rows: number, loadAtStart: number): Promise<number> {
  return inLab({ h2load: false }, loadAtStart, [], async (lab) => {
    const found = await onGateway(lab, (subject) => search(subject, rows, say));
    console.log(`\n${searchReport(found)}`);
    write(options, found);
    return complain(searchFaults(found));
  });
}

async function measureSoak(options: Options, durationMs: number, loadAtStart: number): Promise<number> {
  return inLab({ h2load: false }, loadAtStart, [], async (lab) => {
    console.log(SOAK_HEADER);
    const figures = await onGateway(lab, (subject) =>
      soak(subject, planOfSoak(durationMs), (period) => console.log(soakLine(period))),
    );
    console.log(`\n${soakVerdict(figures)}`);
    write(options, figures);
    return complain(soakFaults(figures, CONNECTION_LIMIT));
  });
}

/** Opens the lab, tells the conditions, and warns before and after where the figures say little. */
async function inLab<T>(
  needs: { readonly h2load: boolean },
  loadAtStart: number,
  more: readonly string[],
  work: (lab: Lab) => Promise<T>,
): Promise<T> {
  const lab = await Lab.open(needs);
  try {
    const told = [...(await conditions(lab.urls, loadAtStart)), ...more];
    console.log(`\n${told.join('\n')}\n`);
    const warning = `WARNING: the machine is busy with something else (load average ${loadAtStart.toFixed(1)}): these figures say little.`;
    if (isBusy(loadAtStart)) console.log(`${warning}\n`);
    const result = await work(lab);
    if (isBusy(loadAtStart)) console.log(`\n${warning}`);
    return result;
  } finally {
    await lab.close();
  }
}

async function onGateway<T>(lab: Lab, work: (subject: Subject) => Promise<T>): Promise<T> {
  const gateway = await lab.gateway('cluster', {});
  try {
    const { url, pid = 0, databaseUrl } = gateway;
    return await work({ url, pid, databaseUrl });
  } catch (error) {
    console.error(`The gateway's log ends with:\n${gateway.log().slice(-4_000)}`);
    throw error;
  } finally {
    await gateway.remove();
  }
}

function say(line: string): void {
  console.error(`  ${line}`);
}

/** Answers the exit code. */
function complain(found: readonly string[]): number {
  for (const fault of found) console.error(`BROKEN: ${fault}`);
  return found.length === 0 ? 0 : 1;
}

function write({ json }: Options, figures: unknown): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
}
