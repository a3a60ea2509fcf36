/**
 * Numbers for people, in their language. Pure.
 */

const UNITS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
];

/**
 * @param {string} language
 * @param {string} none what stands for a number that is not known
 */
export function formatter(language, none = '–') {
  const number = (digits) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [whole, tenths] = [number(0), number(1)];
  const upTo = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const known = (value, text) => (value === null || value === undefined ? none : text(value));
  return {
    size: (width, height) => (width && height ? `${width} × ${height}` : none),
    fps: (value) => known(value, (fps) => `${whole.format(fps)} fps`),
    bitrate: (kbps) =>
      known(kbps, (rate) => (rate >= 1000 ? `${tenths.format(rate / 1000)} Mbit/s` : `${whole.format(rate)} kbit/s`)),
    kilobytes: (bytes) => known(bytes, (size) => `${size < 10_240 ? tenths.format(size / 1024) : whole.format(size / 1024)} kB`),
    percent: (value) => known(value, (share) => `${tenths.format(share)} %`),
    ms: (value) => known(value, (ms) => `${ms < 10 ? tenths.format(ms) : whole.format(ms)} ms`),
    /** A round trip: browsers give whole milliseconds. */
    roundTrip: (value) => known(value, (ms) => (ms < 1 ? '< 1 ms' : `${whole.format(ms)} ms`)),
    /** Pictures a second, as they are asked for: without needless zeros. */
    rate: (value) => known(value, (rate) => upTo.format(rate)),
    /** A rung in short. */
    rung({ width, height, framerate }) {
      return `${this.size(width, height)}, ${this.rate(framerate)}/s`;
    },
    /** A moment, in ms since 1970: the time, and the day where it is another than `nowMs`. */
    moment(value, nowMs = Date.now()) {
      const [then, now] = [new Date(value), new Date(nowMs)];
      const day = then.toDateString() === now.toDateString() ? {} : { day: 'numeric', month: 'short' };
      return new Intl.DateTimeFormat(language, { ...day, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(then);
    },
    /** A span of so many seconds, in its largest whole unit. */
    span(seconds) {
      const [size, unit] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, 'second'];
      return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size);
    },
    count: (value) => known(value, (count) => whole.format(count)),
  };
}
