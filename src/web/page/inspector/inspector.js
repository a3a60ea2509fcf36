/**
 * The inspector: joins its views, draws the one that is looked at, once a second and whenever
 * something was noted. Beside the pictures, which go on.
 */

import { h, icon, iconButton } from '../ui/dom.js';
import { createCharts } from './charts.js';
import { createConnection } from './connectionview.js';
import { createDescriptions } from './descriptions.js';
import { createEchoView } from './echoview.js';
import { exported, fileName } from './exporting.js';
import { figures } from './figures.js';
import { createChoice, createTabs } from './parts.js';
import { createSequence } from './sequence.js';
import { announcedIn } from './story.js';

const LOOK_MS = 1000;

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {object} options.recorder
 * @param {() => object | null} options.session
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => Promise<{default: Function}>} options.loadCharts
 * @param {() => void} options.close
 */
export function createInspector(root, { recorder, session, timers, loadCharts, close }) {
  let state = null;
  let t = null;
  let report = null;
  let timer = null;
  let unwatch = null;
  let frame = null;
  /** The session that is looked at; null for the latest. */
  let chosen = null;
  let cameFrom = null;

  const made = new Map();
  const format = (lang) => {
    if (!made.has(lang)) made.set(lang, figures(lang));
    return made.get(lang);
  };
  const sequence = createSequence({ format });
  const descriptions = createDescriptions();
  const connection = createConnection({ format });
  const charts = createCharts({ load: loadCharts, series: recorder.series, now: timers.now, format });
  const echo = createEchoView({ channel: () => recorder.runs.at(-1)?.echo ?? null, timers, load: loadCharts, format });
  const panels = { sequence: sequence.root, sdp: descriptions.root, connection: connection.root, charts: charts.root, echo: echo.root };
  const tabs = createTabs('inspect.tabs', panels, () => draw());
  const sessions = createChoice('inspector-session', 'inspect.session', 'inspector-session', (value) => {
    chosen = value === 'before' ? (recorder.runs.at(-2)?.id ?? null) : null;
    draw();
  });
  const save = h(
    'button',
    { type: 'button', class: 'button button--small', data: { testid: 'inspector-export' }, on: { click: download } },
    icon('save'),
    h('span', { data: { t: 'inspect.export' } }),
  );
  // Here the arrows are the inspector's: they scroll, and go from one thing to the next.
  root.addEventListener('keydown', (event) => event.key.startsWith('Arrow') && event.stopPropagation());
  for (const panel of [connection.root, charts.root]) panel.tabIndex = 0;
  root.append(
    h(
      'header',
      { class: 'inspector__head' },
      h('div', { class: 'inspector__words' }, h('h2', { id: 'inspector-title', data: { t: 'inspect.title' } }), h('p', { class: 'inspector__about', data: { t: 'inspect.about' } })),
      sessions.root,
      save,
      iconButton('close', { label: 'inspect.close', key: 'Esc', testid: 'inspector-close', on: { click: close } }),
    ),
    tabs.root,
    ...Object.values(panels),
  );

  function run() {
    const { runs } = recorder;
    return runs.find(({ id }) => id === chosen) ?? runs.at(-1) ?? null;
  }

  function draw() {
    if (state === null || root.hidden) return;
    const looked = run();
    const before = recorder.runs.length > 1;
    sessions.render(
      before ? ['this', 'before'].map((value) => ({ value, words: t(`inspect.session.${value}`) })) : [],
      looked !== null && looked !== recorder.runs.at(-1) ? 'before' : 'this',
    );
    sessions.root.hidden = !before || !['sequence', 'sdp'].includes(tabs.chosen);
    if (looked !== null) {
      sequence.render(looked, state, t);
      descriptions.render(looked, state, t);
    }
    const latest = recorder.runs.at(-1);
    connection.render(report, latest === undefined ? { local: null, remote: null } : announcedIn(latest), state, t);
    charts.render(state, t);
    echo.render(state, t);
  }

  function soon() {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      draw();
    });
  }

  async function look() {
    const current = session();
    const found = (await current?.stats().catch(() => null)) ?? null;
    if (root.hidden) return;
    report = current === session() ? found : null;
    if (!document.hidden) draw();
    timer = timers.setTimeout(look, LOOK_MS);
  }

  function open() {
    cameFrom = document.activeElement;
    root.hidden = false;
    unwatch = recorder.watch(soon);
    void look();
    tabs.focus();
  }

  function leave() {
    const within = root.contains(document.activeElement);
    root.hidden = true;
    timers.clearTimeout(timer);
    unwatch();
    echo.stop();
    if (within) cameFrom?.focus?.({ preventScroll: true });
  }

  function download() {
    const at = new Date();
    const about = { software: state.software, browser: navigator.userAgent, timeOrigin: performance.timeOrigin, at };
    const text = JSON.stringify(exported({ recorder, report, echo: echo.trips, about }), null, 2);
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    const link = h('a', { href: url, download: fileName(at) });
    link.click();
    // The browser has begun to read it by then.
    timers.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  return {
    render(next, translate) {
      [state, t] = [next, translate];
      if (state.inspecting && root.hidden) open();
      else if (!state.inspecting && !root.hidden) leave();
      draw();
    },
  };
}
