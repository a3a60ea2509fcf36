/**
 * The page's formats, and those that only the inspector needs. Pure.
 */

import { formatter } from '../stats/format.js';

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** @param {string} language @param {string} none */
export function figures(language, none = '–') {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const known = (value, told) => (value === null || value === undefined ? none : told(value));
  return {
    ...formatter(language, none),
    /** A moment within a session: ms while there are few, then seconds. */
    since: (ms) => (ms < 10_000 ? `${whole.format(ms)} ms` : `${tenths.format(ms / 1000)} s`),
    /** A pause. */
    later(ms) {
      const [unit, value] = ms < 90_000 ? ['second', ms / 1000] : ['minute', ms / 60_000];
      return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 }).format(value);
    },
    bytes: (value) =>
      known(value, (bytes) => {
        const step = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
        const digits = step === 0 ? 0 : 1;
        return new Intl.NumberFormat(language, { style: 'unit', unit: SIZES[step], unitDisplay: 'short', maximumFractionDigits: digits }).format(bytes / 1000 ** step);
      }),
    /** A round trip that may be far below a millisecond. */
    trip: (value) => known(value, (ms) => `${ms < 100 ? tenths.format(ms) : whole.format(ms)} ms`),
    number: (value) => known(value, (number) => whole.format(number)),
  };
}
