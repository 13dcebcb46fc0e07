import { Admin, type Depths, type Stats, StatsSchema } from '@waybill/proto/waybill/v1/admin';
import type { Command } from 'commander';
import { type ConnectionFlags, interruption, withConnection } from './connection.js';
import { type GatewayClient, withGateway } from './gateway-client.js';
import { duration, timeText } from './moment.js';
import { type OutputFlags, printJson } from './output.js';
import { plain } from './plain.js';
import { renderTable } from './table.js';

interface StatsFlags extends ConnectionFlags, OutputFlags {
  readonly node?: string;
  readonly watch?: number | true;
}

const KINDS = ['published', 'delivered', 'acked', 'retried', 'dead', 'expired'] as const;
const WATCH_MS = 1_000;
/** Depths are kept for two seconds; older ones are of a ledger that is away. */
const STALE_MS = 10_000;

export function statsCommand(program: Command): void {
  withConnection(program.command('stats'))
    .description('totals since the gateways started, rates of the last seconds, and what waits')
    .option('--node <name>', 'totals and rates of this gateway only')
    .option('-w, --watch [interval]', 'again and again, each 250ms to 60s (default: 1s), until interrupted', duration)
    .option('--json', 'answers as JSON; with --watch one object a line')
    .action(stats);
}

function stats(flags: StatsFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const node = flags.node ?? '';
    if (flags.watch !== undefined) return watch(gateway, node, flags.watch === true ? WATCH_MS : flags.watch, flags);
    const answer = await gateway.call(Admin.method.getStats, { node });
    if (answer.stats !== undefined) print(answer.stats, flags, '');
  });
}

async function watch(gateway: GatewayClient, node: string, intervalMs: number, flags: OutputFlags): Promise<void> {
  // A terminal shows the last figures in place; a file gets all of them.
  const before = process.stdout.isTTY ? '\x1b[H\x1b[2J' : '';
  for await (const { stats } of gateway.stream(Admin.method.watchStats, { node, intervalMs }, interruption())) {
    if (stats !== undefined) print(stats, flags, before);
  }
}

function print(stats: Stats, { json }: OutputFlags, before: string): void {
  if (json === true) {
    printJson(plain(StatsSchema, stats));
    return;
  }
  const { totals, rates, depths, nodes, consumers, timeMs } = stats;
  const flow = renderTable(
    [
      { title: 'MESSAGES', of: (kind) => kind },
      { title: 'TOTAL', of: (kind) => String(totals?.[kind] ?? 0), right: true },
      { title: 'A SECOND', of: (kind) => (rates?.[kind] ?? 0).toFixed(1), right: true },
    ],
    KINDS,
    process.stdout,
  );
  process.stdout.write(
    `${before}${timeText(timeMs)}  ${nodes} gateways, ${consumers} consumers\n\n${flow}\n${waitingText(depths, timeMs)}\n`,
  );
}

/** What is not known says so, and what is old says how old. */
export function waitingText(depths: Depths | undefined, now: bigint): string {
  if (depths === undefined) return 'what waits is not known: the ledger is away';
  const { inFlight, scheduled, parked, dead, timeMs } = depths;
  const ready = depths.ready === undefined ? '?' : `${depths.readyApproximate ? '~' : ''}${depths.ready}`;
  const ageMs = Number(now - timeMs);
  const old = ageMs > STALE_MS ? `, as of ${Math.round(ageMs / 1000)} s ago: the ledger is away` : '';
  return `ready ${ready}, in flight ${inFlight}, scheduled ${scheduled}, parked ${parked}, dead ${dead}${old}`;
}
