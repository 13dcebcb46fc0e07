import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { useTheme } from '../../app/theme.js';
import { rate, short } from '../../text/number.js';

export type SeriesColor = 'published' | 'delivered' | 'acked' | 'retried' | 'dead' | 'hold';

export interface Series {
  readonly name: string;
  readonly color: SeriesColor;
  /** One for each time; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** What it shows, for who cannot see it. */
  readonly label: string;
  /** In Unix seconds, rising. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly unit: 'messages' | 'rate';
  /** Seconds that the time axis shows at least. */
  readonly span: number;
}

const HEIGHT = 180;

/** Lines over time, drawn anew with every figure. */
export function Chart({ label, times, series, unit, span }: ChartProps) {
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const last = times.at(-1) ?? 0;
  const data: UPlot.AlignedData = [[...times], ...series.map(({ values }) => [...values])];
  const latest = useRef({ data, last, span });
  latest.current = { data, last, span };
  const shape = series.map(({ name, color }) => `${name}/${color}`).join();

  // A plot holds its colours: it is made anew with the theme.
  useEffect(() => {
    const place = box.current;
    if (place === null) return;
    const made = new UPlot(optionsFor(place, shape, unit, theme, latest), latest.current.data, place);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: HEIGHT }));
    resized.observe(place);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, unit, theme]);

  useEffect(() => {
    plot.current?.setData(latest.current.data);
  });

  return (
    <figure className="chart" role="img" aria-label={label}>
      <div className="plot" ref={box} />
    </figure>
  );
}

function optionsFor(
  place: HTMLElement,
  shape: string,
  unit: ChartProps['unit'],
  theme: string,
  latest: { readonly current: { readonly last: number; readonly span: number } },
): UPlot.Options {
  const style = getComputedStyle(place);
  const colorOf = (name: string) => style.getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: colorOf('--ink-2'),
    font: `12px ${colorOf('--sans')}`,
    grid: { stroke: colorOf('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    class: theme,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => [latest.current.last - latest.current.span, latest.current.last] },
      // Nothing but zeros still has an axis, and a lone spike is not cut off.
      y: { range: (_plot, _low, high) => [0, Math.max(high ?? 0, unit === 'rate' ? 1 : 4) * 1.1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 30, space: 70, values: '{HH}:{mm}:{ss}' },
      {
        ...axis,
        size: 52,
        space: 36,
        values: (_plot, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? short(tick) : tick.toFixed(1))),
      },
    ],
    series: [
      {},
      ...shape.split(',').map((each): UPlot.Series => {
        const [name = '', color = ''] = each.split('/');
        return {
          label: name,
          stroke: colorOf(`--chart-${color}`),
          width: 1.75,
          spanGaps: false,
          points: { show: false },
        };
      }),
    ],
  };
}

/** The colours by name, with the newest value: what the plot alone would leave to the eye. */
export function Legend({ series, unit }: { readonly series: readonly Series[]; readonly unit: ChartProps['unit'] }) {
  return (
    <ul className="legend">
      {series.map(({ name, color, values }) => {
        const value = values.at(-1);
        return (
          <li key={name}>
            <i data-series={color} aria-hidden />
            {name} <b>{value === null || value === undefined ? '–' : unit === 'rate' ? rate(value) : short(value)}</b>
          </li>
        );
      })}
    </ul>
  );
}
