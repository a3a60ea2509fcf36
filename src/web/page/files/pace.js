/**
 * How fast something comes along, over the last seconds, and how long the rest takes. Pure.
 */

/** What lies longer ago says nothing of now. */
const SPAN_MS = 4000;
/** Before that, a speed would be a guess. */
const LEAST_MS = 400;

export function createPace() {
  /** `[time, bytes]`, oldest first; the first may be older than the span. */
  let samples = [];
  return {
    add(now, bytes) {
      const last = samples.at(-1);
      // It began again: what was before is another stretch.
      if (last !== undefined && bytes < last[1]) samples = [];
      samples.push([now, bytes]);
      while (samples.length > 2 && samples[1][0] <= now - SPAN_MS) samples.shift();
    },
    /** It stands: the time until it goes on does not count. */
    stop() {
      samples = [];
    },
    /** Bytes a second, or null while nobody knows. */
    speed(now) {
      if (samples.length < 2) return null;
      const [from, begun] = samples[0];
      const elapsed = now - from;
      if (elapsed < LEAST_MS) return null;
      return ((samples.at(-1)[1] - begun) * 1000) / elapsed;
    },
  };
}

/** Seconds for so many bytes at that speed, or null. */
export const secondsLeft = (bytes, speed) => (speed > 0 ? bytes / speed : null);
