/**
 * Numbers for people, in their language. Pure.
 */

/**
 * @param {string} language
 * @param {string} none what stands for a number that is not known
 */
export function formatter(language, none = '–') {
  const number = (digits) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [whole, tenths] = [number(0), number(1)];
  const known = (value, text) => (value === null || value === undefined ? none : text(value));
  return {
    size: (width, height) => (width && height ? `${width} × ${height}` : none),
    fps: (value) => known(value, (fps) => `${whole.format(fps)} fps`),
    bitrate: (kbps) =>
      known(kbps, (rate) => (rate >= 1000 ? `${tenths.format(rate / 1000)} Mbit/s` : `${whole.format(rate)} kbit/s`)),
    percent: (value) => known(value, (share) => `${tenths.format(share)} %`),
    ms: (value) => known(value, (ms) => `${ms < 10 ? tenths.format(ms) : whole.format(ms)} ms`),
    count: (value) => known(value, (count) => whole.format(count)),
    /** A level of 0 to 1 in decibels under full scale. */
    level: (value) => known(value, (level) => (level <= 0.00001 ? '−∞ dB' : `${whole.format(20 * Math.log10(level))} dB`)),
  };
}
