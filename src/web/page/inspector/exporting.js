/**
 * Everything that was recorded as one JSON document, without what is secret. Pure.
 */

import { forExport } from './redact.js';

/**
 * @param {object} options
 * @param {object} options.recorder
 * @param {Iterable<[string, object]> | null} options.report the last statistics
 * @param {number[]} options.echo round trips in ms
 * @param {{software: string, browser: string, timeOrigin: number, at: Date}} options.about
 * @returns {object}
 */
export function exported({ recorder, report, echo, about }) {
  const time = (ms) => new Date(about.timeOrigin + ms).toISOString();
  return forExport({
    format: 'vitrina-inspector',
    version: 1,
    exported: about.at.toISOString(),
    software: about.software,
    browser: about.browser,
    sessions: recorder.runs.map((run) => ({
      began: time(run.at),
      left_out: run.left,
      entries: run.entries.map(({ at, id, ...entry }) => ({ id, ms: round(at - run.at), ...entry })),
    })),
    samples: recorder.series.samples.map(({ at, ...sample }) => ({ time: time(at), ...sample })),
    echo_ms: echo.map(round),
    stats: report === null ? [] : [...report].map(([, stats]) => ({ ...stats })),
  });
}

const round = (ms) => Math.round(ms * 1000) / 1000;

/** A name that sorts by time and that every system takes. @param {Date} at */
export function fileName(at) {
  return `vitrina-inspector-${at.toISOString().slice(0, 19).replaceAll(':', '-')}Z.json`;
}
