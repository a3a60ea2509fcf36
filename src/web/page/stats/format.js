/**
 * Numbers for people, in their language. Pure.
 */

const UNITS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
];

const SIZES = [
  [1e12, 'terabyte'],
  [1e9, 'gigabyte'],
  [1e6, 'megabyte'],
  [1e3, 'kilobyte'],
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
    /** How large a file is, or how much of it: decimal units, as on a disk's label. */
    bytes(value) {
      const at = Math.max(0, SIZES.findIndex(([size]) => value >= size * 0.9995));
      const [size, unit] = value >= 1000 * 0.9995 ? SIZES[at] : [1, 'byte'];
      const amount = value / size;
      const digits = size > 1 && amount < 99.95 ? 1 : 0;
      return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: size > 1 ? 'short' : 'long', maximumFractionDigits: digits }).format(amount);
    },
    /** How long something will take, as exactly as one can know: `40 sec`, `3 min`, `1 hr 20 min`. */
    estimate(seconds) {
      const part = (amount, unit) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(amount);
      const minutes = Math.round(seconds / 60);
      if (seconds < 10) return part(Math.max(1, Math.ceil(seconds)), 'second');
      if (seconds < 55) return part(Math.ceil(seconds / 5) * 5, 'second');
      if (minutes < 60) return part(Math.max(1, minutes), 'minute');
      const rest = minutes % 60;
      return [part((minutes - rest) / 60, 'hour'), ...(rest > 0 ? [part(rest, 'minute')] : [])].join(' ');
    },
    count: (value) => known(value, (count) => whole.format(count)),
  };
}
