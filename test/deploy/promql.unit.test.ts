import { expect, it } from 'vitest';
import { metricsIn } from './promql.js';

it.each([
  ['up == 0', ['up']],
  ['rate(a_total{job="b", c=~"d.*"}[5m]) > 1e9', ['a_total']],
  ['sum by (topic, channel) (a) unless sum by (topic) (b) > 0', ['a', 'b']],
  ['histogram_quantile(0.99, sum by (le) (rate(c_bucket[5m]))) > 0.5', ['c_bucket']],
  ['sum (a) / on (x) group_left (y) b', ['a', 'b']],
])('%s names %j', (expression, names) => {
  expect(metricsIn(expression)).toEqual(names);
});
