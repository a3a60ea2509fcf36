// How old the screen is when a browser shows it; support/latency.mjs says how that is measured.

import test from 'node:test';
import { inTime } from './support/latency.mjs';

test('a_screen_drawn_at_irregular_times_is_in_the_browser_within_a_few_milliseconds_of_the_best', (t) => inTime(t, { redraws: 25, irregular: true }));
