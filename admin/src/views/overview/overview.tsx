import { useLiveStats } from '../../api/live-stats.js';
import { Card, Page } from '../../ui/page.js';
import { Loading } from '../../ui/state.js';
import { Attention } from './attention.js';
import { Chart, Legend } from './chart.js';
import { DepthFigures, RateFigures } from './figures.js';
import { depthsOf, ratesOf, withGaps } from './history.js';

/** The time axis grows with what is known, between these. */
const SPAN_SECONDS = { least: 60, most: 300 };

export function Overview() {
  const { state, latest, history } = useLiveStats();
  const drawn = withGaps(history);
  const known = (drawn.times.at(-1) ?? 0) - (drawn.times[0] ?? 0);
  const span = Math.min(Math.max(known, SPAN_SECONDS.least), SPAN_SECONDS.most);
  const flow = [
    ratesOf(drawn, 'Published', 'published'),
    ratesOf(drawn, 'Delivered', 'delivered'),
    ratesOf(drawn, 'Acked', 'acked'),
  ];
  const trouble = [ratesOf(drawn, 'Retried', 'retried'), ratesOf(drawn, 'Died', 'dead')];
  const depths = [
    depthsOf(drawn, 'Ready', 'published', (each) => each.ready),
    depthsOf(drawn, 'In flight', 'delivered', (each) => each.inFlight),
    depthsOf(drawn, 'Scheduled', 'hold', (each) => each.scheduled),
  ];
  return (
    <Page title="Overview" about="All gateways of this bus, second by second.">
      {state === 'away' ? (
        <div className="notice" data-tone="bad" role="alert">
          <strong>The gateway does not answer.</strong> It may be stopped, restarting, or cut off from this browser.
          What is below is what it said last; this page tries again by itself.
        </div>
      ) : null}
      {latest === undefined ? (
        state === 'away' ? null : (
          <div className="card">
            <Loading what="figures" />
          </div>
        )
      ) : (
        <div className="stack" data-stale={state === 'away' || undefined}>
          <DepthFigures stats={latest} />
          <RateFigures stats={latest} />
          <div className="columns">
            <Card title="Messages a second">
              <Chart label="Messages a second" times={drawn.times} series={flow} unit="rate" span={span} />
              <Legend series={flow} unit="rate" />
            </Card>
            <Card title="Depths">
              <Chart label="Depths" times={drawn.times} series={depths} unit="messages" span={span} />
              <Legend series={depths} unit="messages" />
            </Card>
          </div>
          <div className="columns">
            <Attention />
            <Card title="Trouble a second">
              <Chart label="Trouble a second" times={drawn.times} series={trouble} unit="rate" span={span} />
              <Legend series={trouble} unit="rate" />
            </Card>
          </div>
        </div>
      )}
    </Page>
  );
}
