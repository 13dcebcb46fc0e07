import { writeFileSync } from 'node:fs';
import { Lab } from '../bench/lab.js';
import { ServicesMissing } from '../support/services/choose.js';
import { PackagesMissing } from '../support/services/debian.js';
import { type Options, parseOptions, UsageError } from './options.js';
import { play } from './play.js';
import { isSound, type Row } from './scenario.js';
import { SCENARIOS } from './scenarios/index.js';
import { Spares } from './spares.js';
import { line, records, table } from './table.js';

const HELP = `npm run chaos -- [options]

Breaks what Waybill stands on, under load, and counts what became of every message that was answered OK.
Ends with 1 when a message was lost, or was delivered after its ack had been answered OK.

  --only NAME,NAME   only these scenarios (all)
  --engine ENGINE    only on this engine: embedded or cluster (both)
  --short            as \`npm test\` plays them
  --json FILE        also writes [{ scenario, engine, published, acked, dead, lost, duplicated, recoveredSeconds }]

${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(32)} ${title}`).join('\n')}
`;

/** Answers the exit code. */
export async function chaos(args: readonly string[]): Promise<number> {
  try {
    const names = SCENARIOS.map(({ name }) => name);
    const options = parseOptions(args, names);
    if (!options.help) return await playAll(options);
    console.log(HELP);
    return 0;
  } catch (error) {
    const plain = error instanceof UsageError || error instanceof ServicesMissing || error instanceof PackagesMissing;
    console.error(plain ? error.message : error);
    return 1;
  }
}

async function playAll({ only, engine: one, length, json }: Options): Promise<number> {
  const chosen = SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name));
  const lab = await Lab.open({ h2load: false });
  const rows: Row[] = [];
  const spares = new Spares();
  let broken = 0;
  try {
    for (const scenario of chosen) {
      for (const engine of scenario.engines.filter((name) => one === undefined || one === name)) {
        console.error(`  ${scenario.name} ${engine}: ${scenario.title}`);
        try {
          const row = await play(scenario, engine, length, lab.urls, spares);
          rows.push(row);
          console.error(`  ${line(row)}`);
        } catch (error) {
          // The others are played all the same.
          broken++;
          console.error(`  ${scenario.name} ${engine} broke off:`, error);
        }
      }
    }
  } finally {
    await Promise.all([spares.remove(), lab.close()]);
  }
  console.log(`\n${table(rows)}`);
  if (broken > 0) console.log(`\n${broken} broke off: see above.`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(records(rows), null, 2)}\n`);
  return broken === 0 && rows.length > 0 && rows.every(isSound) ? 0 : 1;
}
