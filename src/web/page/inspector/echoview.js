/**
 * Round trips of messages by the data channel.
 */

import { h, text } from '../ui/dom.js';
import { createEcho } from './echo.js';
import { wordButton } from './parts.js';
import { createPlot } from './plot.js';

/**
 * @param {object} options
 * @param {() => RTCDataChannel | null} options.channel
 * @param {object} options.timers
 * @param {() => Promise<{default: Function}>} options.load the chart library
 */
export function createEchoView({ channel, timers, load, format }) {
  let latest = null;
  let plot = null;
  let loading = false;
  const echo = createEcho({ channel, timers, changed: () => draw() });
  const start = wordButton('echo-start', 'button--primary', () => {
    if (echo.running) echo.stop();
    else echo.start();
  });
  const none = h('p', { class: 'echo__none', role: 'status', data: { testid: 'echo-none' } });
  const figures = ['last', 'median', 'high', 'count', 'lost'].map((key) => {
    const value = h('b', { data: { testid: `echo-${key}` } });
    return { key, value, element: h('div', { class: 'echo__figure' }, value, h('span', { data: { t: `inspect.echo.${key}` } })) };
  });
  const list = h('div', { class: 'echo__figures' }, ...figures.map(({ element }) => element));
  const holder = h('div', { class: 'charts charts--one' });
  const root = h(
    'section',
    { class: 'ipanel ipanel--scroll echo', data: { testid: 'echo' } },
    h('p', { class: 'inote', data: { t: 'inspect.echo.body' } }),
    none,
    h('div', {}, start.button),
    list,
    holder,
  );

  async function begin() {
    loading = true;
    const { default: uPlot } = await load().catch(() => ({ default: null }));
    if (uPlot === null) return;
    plot = createPlot(uPlot, { key: 'echo', least: 2, range: (times) => [1, Math.max(20, times.length)], time: String, tick: String });
    holder.replaceChildren(plot.root);
    draw();
  }

  function draw() {
    if (latest === null || root.hidden) return;
    const { state, t } = latest;
    const f = format(state.lang);
    const there = echo.there;
    none.hidden = there;
    text(none, t('inspect.echo.none'));
    start.button.hidden = !there && !echo.running;
    start.say(t(echo.running ? 'inspect.echo.stop' : 'inspect.echo.start'));
    const summary = echo.summary;
    list.hidden = summary.count === 0 && summary.lost === 0;
    for (const { key, value } of figures) text(value, key === 'count' || key === 'lost' ? f.number(summary[key]) : f.trip(summary[key]));
    holder.hidden = summary.count < 2;
    if (holder.hidden) return;
    if (plot === null) {
      if (!loading) void begin();
      return;
    }
    const value = (each) => f.trip(each);
    plot.render(
      { times: echo.trips.map((_, index) => index + 1), lines: [{ name: t('inspect.echo.trips'), colour: 0, values: echo.trips }] },
      {
        title: t('inspect.echo.trips'),
        note: '',
        none: '',
        value,
        span: (min, max) => `${t('inspect.chart.min')} ${value(min)} · ${t('inspect.chart.max')} ${value(max)}`,
        all: (last, min, max) => t('inspect.chart.values', { last: value(last), min: value(min), max: value(max) }),
      },
    );
  }

  return {
    root,
    get trips() {
      return echo.trips;
    },
    stop() {
      if (echo.running) echo.stop();
    },
    render(state, t) {
      latest = { state, t };
      draw();
    },
  };
}
