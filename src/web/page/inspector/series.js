/**
 * What charts show: one sample a second of the last two minutes, made of statistics that are
 * fetched anyway. Pure.
 */

import { Sampler } from '../stats/report.js';

/** How many samples are kept: two minutes. */
export const SAMPLES = 120;
const APART_MS = 1000;
/** Looks come every quarter of a second: one that is a little early is in time. */
const EARLY_MS = 60;

/** What is drawn, each a chart: the value of a stream, or of the link. */
export const MEASURES = ['bitrate', 'fps', 'loss', 'rtt', 'jitter', 'delay'];

const OF_STREAM = {
  bitrate: (row) => row.kbps,
  fps: (row) => (row.media === 'video' ? row.fps : null),
  loss: (row) => row.lossPercent,
  jitter: (row) => row.jitterMs,
  delay: (row) => row.processMs ?? row.bufferMs,
};

export function createSeries() {
  let sampler = new Sampler();
  const samples = [];
  let last = -Infinity;

  const series = {
    /** What each m-line carries, as the offer says. */
    tracks: [],
    /** From a track's id to its mid, for browsers whose statistics have no mid. */
    mids: new Map(),

    /** A report; passed over when the last one is less than a second old. */
    offer(report, at) {
      if (at - last < APART_MS - EARLY_MS) return;
      last = at;
      const { rows, link } = sampler.sample(report, series.tracks, series.mids);
      samples.push({ at, rttMs: link.rttMs, rows });
      if (samples.length > SAMPLES) samples.shift();
    },

    /** Another session begins: what was before stays, with a gap after it. */
    cut(at) {
      sampler = new Sampler();
      if (samples.length > 0) samples.push({ at, rttMs: null, rows: [] });
      if (samples.length > SAMPLES) samples.shift();
      last = -Infinity;
      series.mids.clear();
    },

    get samples() {
      return samples;
    },

    /**
     * One chart: times in seconds before now (0 at the right), and a line for each stream that has a value;
     * `colour` is the same for a stream in every chart.
     * @param {string} measure of `MEASURES`
     * @param {number} now
     * @returns {{times: number[], lines: {name: string, media: string | null, colour: number, values: (number | null)[]}[]}}
     */
    chart(measure, now) {
      const times = samples.map(({ at }) => (at - now) / 1000);
      if (measure === 'rtt') {
        const values = samples.map(({ rttMs }) => rttMs);
        return { times, lines: values.some((value) => value !== null) ? [{ name: '', media: null, colour: 0, values }] : [] };
      }
      const lines = [];
      for (const [colour, { source, media }] of series.tracks.entries()) {
        const values = samples.map(({ rows }) => {
          const row = rows.find((each) => each.source === source && each.media === media);
          return row === undefined ? null : (OF_STREAM[measure](row) ?? null);
        });
        if (values.some((value) => value !== null)) lines.push({ name: source, media, colour, values });
      }
      return { times, lines };
    },
  };
  return series;
}

/** The last, the least and the most of a line; null where there is none. */
export function extremes(values) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { last: null, min: null, max: null };
  return { last: values.at(-1), min: Math.min(...known), max: Math.max(...known) };
}
