/**
 * Charts over the last two minutes. The library comes when they are first looked at.
 */

import { h, text } from '../ui/dom.js';
import { createPlot } from './plot.js';
import { MEASURES, SAMPLES } from './series.js';

/** How far up each axis goes at least, so that nothing looks like a storm that is none. */
const LEAST = { bitrate: 200, fps: 10, loss: 2, rtt: 5, jitter: 5, delay: 20 };
const STEP_S = 20;
const DIGITS = { bitrate: (value) => (value === 0 ? '0' : value >= 1000 ? `${value / 1000} M` : `${value} k`), loss: (value) => `${value} %` };
const FORMATS = { bitrate: 'bitrate', fps: 'fps', loss: 'percent', rtt: 'trip', jitter: 'trip', delay: 'trip' };

/**
 * @param {object} options
 * @param {() => Promise<{default: Function}>} options.load the chart library
 * @param {object} options.series
 * @param {() => number} options.now
 */
export function createCharts({ load, series, now, format }) {
  let plots = null;
  let loading = false;
  let theme = null;
  let latest = null;
  const note = h('p', { class: 'inote', role: 'status' });
  const grid = h('div', { class: 'charts', data: { testid: 'charts' } });
  const root = h('section', { class: 'ipanel ipanel--scroll' }, note, grid);

  const time = (value) => (value === 0 ? latest.t('inspect.chart.last') : `−${-value} s`);

  async function begin(t) {
    loading = true;
    try {
      const { default: uPlot } = await load();
      plots = new Map(
        MEASURES.map((key) => [key, createPlot(uPlot, { key, least: LEAST[key], range: span, time, tick: DIGITS[key] ?? String })]),
      );
      grid.replaceChildren(...[...plots.values()].map(({ root }) => root));
      draw();
    } catch (error) {
      text(note, t('inspect.charts.missing', { message: error.message }));
    }
    loading = false;
  }

  function draw() {
    const { state, t } = latest;
    if (root.hidden) return;
    if (plots === null) {
      if (!loading) void begin(t);
      return;
    }
    text(note, t('inspect.charts.note'));
    const f = format(state.lang);
    const dress = document.documentElement.dataset.theme;
    for (const [key, plot] of plots) {
      const chart = series.chart(key, now());
      const value = (each) => f[FORMATS[key]](each);
      plot.render(
        { ...chart, lines: chart.lines.map((line) => ({ ...line, name: nameOf(line, chart.lines, state, t) })) },
        {
          title: t(`inspect.chart.${key}`),
          note: t(`inspect.chart.${key}.note`),
          none: t('inspect.charts.none'),
          value,
          span: (min, max) => `${t('inspect.chart.min')} ${value(min)} · ${t('inspect.chart.max')} ${value(max)}`,
          all: (last, min, max) => t('inspect.chart.values', { last: value(last), min: value(min), max: value(max) }),
        },
      );
      if (dress !== theme) plot.repaint();
    }
    theme = dress;
  }

  return {
    root,
    render(state, t) {
      latest = { state, t };
      draw();
    },
  };
}

/** As far back as there is something, in steps, so that the first seconds fill the chart too. */
function span(times) {
  const age = -(times[0] ?? 0);
  return [-Math.min(SAMPLES, Math.max(STEP_S, Math.ceil(age / STEP_S) * STEP_S)), 0];
}

/** The source's title; where picture and sound of one are in the same chart, which of them. */
function nameOf({ name, media }, lines, { sources }, t) {
  if (media === null) return t('inspect.chart.link');
  const title = sources.find((source) => source.name === name)?.title ?? name;
  const both = lines.filter((line) => line.name === name).length > 1;
  return both || media === 'audio' ? `${title} · ${media}` : title;
}
