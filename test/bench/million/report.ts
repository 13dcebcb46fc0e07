import { markdown } from '../markdown.js';
import type { Mark } from '../watch.js';
import type { MillionFigures } from './run.js';

/** DESIGN's promises for a whole million. */
const RSS_MB = 300;
const LATENESS_MS = 250;

/** What went wrong whatever the machine: a message that was lost, or came too early. Empty when nothing did. */
export function faults({ backlog, schedule, connections }: MillionFigures, connectionLimit: number): string[] {
  const found: string[] = [];
  if (backlog.lost + schedule.lost > 0) found.push(`${backlog.lost + schedule.lost} messages were lost`);
  if (schedule.early > 0) found.push(`${schedule.early} messages came before their time`);
  // One more is there for a moment while connecting.
  if (connections > connectionLimit + 1) {
    found.push(`${connections} database connections, where ${connectionLimit} are allowed`);
  }
  return found;
}

/** The figures as tables in Markdown. */
export function report(figures: MillionFigures, connectionLimit: number): string {
  const { plan, backlog, schedule } = figures;
  const whole = plan.messages >= 1_000_000;
  const rows = [
    ['backlog published, messages/s', count(backlog.insertRate), ''],
    [
      `RSS: ${count(plan.messages)} waiting, ${count(plan.idleSubscribers)} idle subscribers`,
      `${count(backlog.rssMb)} MB`,
      whole ? bound(backlog.rssMb, RSS_MB, 'MB') : '',
    ],
    ['backlog delivered and acked, messages/s', count(backlog.drainRate), ''],
    [`meanwhile ${count(plan.liveRate)}/s on another topic: delay p50, p99, max`, times(backlog.live), ''],
    ['scheduled, messages/s', count(schedule.insertRate), ''],
    [
      `${count(schedule.dueRate)} due/s for ${count(plan.dueSeconds)} s: lateness p50, p99, max`,
      times(schedule.lateness),
      whole ? bound(schedule.lateness.p99, LATENESS_MS, 'ms (p99)') : '',
    ],
    ['all due at one moment: released, delivered and acked, messages/s', count(schedule.releaseRate), ''],
    ['came early', count(schedule.early), schedule.early === 0 ? '0' : '0: BROKEN'],
    [
      'lost; came twice',
      `${count(backlog.lost + schedule.lost)}; ${count(backlog.duplicated + schedule.duplicated)}`,
      '0 lost',
    ],
    ['database connections, at most', count(figures.connections), `${connectionLimit}`],
    ['RSS at its highest', `${count(figures.peakMb)} MB`, ''],
  ];
  return `${markdown(['', 'measured', 'bound'], rows)}\n\n${memoryTable(figures.marks)}`;
}

export function memoryTable(marks: readonly Mark[]): string {
  const rows = marks.map(({ name, atSeconds, rssMb, peakMb, connections }) => [
    name,
    `${count(atSeconds)} s`,
    `${count(rssMb)} MB`,
    `${count(peakMb)} MB`,
    count(connections),
  ]);
  return markdown(['', 'after', 'RSS', 'highest since', 'connections'], rows);
}

function bound(value: number, most: number, unit: string): string {
  return `< ${most} ${unit}${value < most ? '' : ': above'}`;
}

function times({ p50, p99, max }: { readonly p50: number; readonly p99: number; readonly max: number }): string {
  return `${count(p50)}, ${count(p99)}, ${count(max)} ms`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
