import { writeFileSync } from 'node:fs';
import { ServicesMissing } from '../support/services/choose.js';
import { PackagesMissing } from '../support/services/debian.js';
import { compare } from './compare.js';
import { COMPARISONS, type Comparison } from './comparisons.js';
import { conditions, isBusy } from './conditions.js';
import type { Line } from './figures.js';
import { Lab } from './lab.js';
import { type Options, parseOptions, UsageError } from './options.js';
import { records, table } from './table.js';

const HELP = `npm run bench -- [options]

Measures Waybill beside its peers, in one run on this machine, and prints both figures and their ratio.
A ratio below its floor is marked, and is no failure.

  --only N,N       only these comparisons (all)
  --rounds N       rounds of each side (5)
  --messages N     messages a round of the fastest comparisons; others send a share of it (60000)
  --json FILE      also writes [{ name, unit, ours, peer, ratio, floor }]

${COMPARISONS.map(({ number, title }) => `  ${number}  ${title}`).join('\n')}
`;

/** Answers the exit code. */
export async function bench(args: readonly string[], loadAtStart: number): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.help) console.log(HELP);
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
  const lab = await Lab.open({ h2load: comparisons.some(({ ours }) => ours === 'h2load') });
  try {
    const told = await conditions(lab.urls, options, loadAtStart);
    console.log(`\n${told.join('\n')}\n`);
    const warning = `WARNING: the machine is busy with something else (load average ${loadAtStart.toFixed(1)}): these figures say little.`;
    if (isBusy(loadAtStart)) console.log(`${warning}\n`);
    const lines: Line[] = [];
    for (const comparison of comparisons) {
      console.error(`  ${comparison.number}  ${comparison.title}`);
      lines.push(...(await compare(lab, comparison, options.rounds, options.messages)));
    }
    console.log(`\n${table(lines)}`);
    if (isBusy(loadAtStart)) console.log(`\n${warning}`);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(records(lines), null, 2)}\n`);
  } finally {
    await lab.close();
  }
}
