// As tests/browser/latency.test.mjs, of screens that are drawn at other rates.

import test from 'node:test';
import { inTime } from '../support/latency.mjs';

for (const redraws of [60, 30, 24]) {
  test(`a_screen_drawn_${redraws}_times_a_second_is_in_the_browser_within_a_few_milliseconds_of_the_best`, (t) => inTime(t, { redraws }));
}
