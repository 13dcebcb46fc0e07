import { expect, it } from 'vitest';
import { Histogram } from './histogram.js';

it('counts a value in the first bucket whose bound it does not pass, as often as it is told', () => {
  const histogram = new Histogram([1, 2, 5]);
  histogram.observe(0);
  histogram.observe(1);
  histogram.observe(1.5, 10);
  histogram.observe(5, 2);
  histogram.observe(6);
  expect(histogram.cumulative).toEqual([2, 12, 14]);
  expect(histogram.count).toBe(15);
  expect(histogram.sum).toBe(32);
});
