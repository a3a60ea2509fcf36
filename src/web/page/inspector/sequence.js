/**
 * The sequence diagram: who said what to whom, and what became of it, as it happens. One list to
 * the keyboard and to screen readers, whose chosen step is explained beside it.
 */

import { attribute, h, text } from '../ui/dom.js';
import { createLesson } from './lesson.js';
import { createSwitch, svg } from './parts.js';
import { phasesOf, stepsOf } from './story.js';

const ROW = 38;
const STATE_ROW = 32;
const GAP_ROW = 26;
/** A pause as long as this is shown as one. */
const GAP_MS = 2000;
const TIME_WIDTH = 62;
/** Of one character of the labels, as good as known. */
const CHARACTER = 7;

/** @param {{format: (language: string) => object}} options */
export function createSequence({ format }) {
  let run = null;
  let steps = [];
  let chosen = null;
  let drawn = '';
  let all = false;
  let t = null;
  let lang = 'en';

  const phases = h('div', { class: 'phases', data: { testid: 'inspector-phases' } });
  const everything = createSwitch('inspect.steps.all', 'inspector-all', all, (on) => {
    all = on;
    draw();
  });
  const lanes = h('div', { class: 'lanes', 'aria-hidden': 'true' });
  const shape = svg('svg', { class: 'sequence__svg', role: 'listbox', tabindex: '0', data: { testid: 'sequence' } });
  const left = h('p', { class: 'inote', hidden: true });
  const nothing = h('p', { class: 'inote', data: { t: 'inspect.steps.none' } });
  const scroll = h('div', { class: 'sequence__scroll' }, lanes, shape, left, nothing);
  const lesson = createLesson({ step: go });
  const root = h('section', { class: 'ipanel sequence' }, h('div', { class: 'sequence__top' }, phases, everything), h('div', { class: 'sequence__body' }, scroll, lesson.root));

  shape.addEventListener('click', ({ target }) => {
    const row = target.closest('[data-step]');
    if (row !== null) choose(Number(row.dataset.step));
  });
  shape.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(scroll.clientHeight / ROW) - 2);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(by);
  });
  new ResizeObserver(() => draw()).observe(scroll);

  function go(by) {
    const at = steps.findIndex(({ id }) => id === chosen);
    const to = Math.min(steps.length - 1, Math.max(0, at + by));
    if (steps[to] !== undefined) choose(steps[to].id);
  }

  function choose(id) {
    chosen = id;
    mark();
    rowOf(id)?.scrollIntoView({ block: 'nearest' });
  }

  const rowOf = (id) => shape.querySelector(`[data-step="${id}"]`);

  function mark() {
    for (const row of shape.querySelectorAll('[data-step]')) attribute(row, 'aria-selected', String(Number(row.dataset.step) === chosen));
    attribute(shape, 'aria-activedescendant', rowOf(chosen)?.id ?? null);
    const at = steps.findIndex(({ id }) => id === chosen);
    lesson.render(steps[at] ?? null, { first: at <= 0, last: at === steps.length - 1 }, t, format(lang));
  }

  function draw() {
    if (t === null || run === null || root.hidden) return;
    const told = stepsOf(run);
    steps = all ? told : told.filter(({ connecting }) => connecting);
    const width = scroll.clientWidth;
    const signature = [run.id, steps.length, steps.at(-1)?.id, width, lang, all].join();
    if (signature === drawn || width === 0) return;
    drawn = signature;
    nothing.hidden = steps.length > 0;
    left.hidden = run.left === 0;
    text(left, t('inspect.steps.left', { count: run.left }));
    if (!steps.some(({ id }) => id === chosen)) chosen = steps[0]?.id ?? null;
    drawPhases(phasesOf(told));
    const atEnd = scroll.scrollTop > 0 && scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 4;
    drawSteps(width);
    mark();
    if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  }

  function drawPhases(found) {
    phases.hidden = found.length === 0;
    if (phases.hidden) return;
    const f = format(lang);
    const total = Math.max(1, found.at(-1).to);
    const bar = h(
      'div',
      { class: 'phases__bar', 'aria-hidden': 'true' },
      ...found.map(({ key, from, to }) => {
        const part = h('span', { class: 'phases__part', data: { phase: key } });
        part.style.flexGrow = String(Math.max(0.012, (to - from) / total));
        return part;
      }),
    );
    const list = h(
      'ul',
      { class: 'phases__list' },
      ...found.map(({ key, from, to }) =>
        h('li', { data: { phase: key } }, h('span', { class: 'swatch', 'aria-hidden': 'true' }), h('span', {}, t(`inspect.phase.${key}`)), h('b', {}, f.since(to - from))),
      ),
    );
    phases.replaceChildren(h('p', { class: 'phases__total' }, found.length === 5 ? t('inspect.phases', { ms: f.since(total) }) : ''), bar, list);
  }

  function drawSteps(width) {
    const names = ['browser', 'daemon', ...(steps.some(({ from, to }) => from === 'peer' || to === 'peer') ? ['peer'] : [])];
    const edge = Math.min(92, width * 0.15);
    const [begin, end] = [TIME_WIDTH + edge, width - Math.min(edge, Math.max(44, width * 0.1))];
    const at = Object.fromEntries(names.map((name, index) => [name, begin + ((end - begin) * index) / (names.length - 1)]));
    lanes.replaceChildren(
      ...names.map((name) => {
        const lane = h('span', { class: 'lanes__name', data: { lane: name } }, t(`inspect.lane.${name}`));
        lane.style.left = `${at[name]}px`;
        return lane;
      }),
    );
    const rows = [];
    let y = 6;
    let before = null;
    for (const step of steps) {
      if (before !== null && step.ms - before > GAP_MS) {
        rows.push(gap(y, (begin + end) / 2, step.ms - before));
        y += GAP_ROW;
      }
      before = step.ms;
      const height = step.to === null ? STATE_ROW : ROW;
      rows.push(rowFor(step, y, height, width, at));
      y += height;
    }
    const lines = names.map((name) => svg('line', { class: 'sequence__life', x1: at[name], x2: at[name], y1: 0, y2: y + 6 }));
    attribute(shape, 'width', width);
    attribute(shape, 'height', y + 8);
    attribute(shape, 'aria-label', t('inspect.steps'));
    shape.replaceChildren(...lines, ...rows);
  }

  const gap = (y, x, ms) => svg('text', { class: 'sequence__gap', x, y: y + 17, 'text-anchor': 'middle' }, `⋮  ${format(lang).later(ms)}`);

  function rowFor(step, y, height, width, at) {
    const words = `${format(lang).since(step.ms)}: ${step.name} ${step.note}`.trim();
    const who = step.to === null ? t(`inspect.lane.${step.from}`) : `${t(`inspect.lane.${step.from}`)} → ${t(`inspect.lane.${step.to}`)}`;
    return svg(
      'g',
      {
        class: 'step',
        role: 'option',
        id: `step-${step.id}`,
        'aria-label': `${words} (${who})`,
        data: { step: step.id, name: step.name, from: step.from, to: step.to ?? '', lesson: step.lesson, tone: step.tone },
      },
      svg('rect', { class: 'step__row', x: 4, y: y + 1, width: width - 8, height: height - 2, rx: 8 }),
      svg('text', { class: 'step__time', x: TIME_WIDTH - 4, y: y + height / 2 + 4, 'text-anchor': 'end' }, format(lang).since(step.ms)),
      ...(step.to === null ? pill(step, y, height, width, at) : arrow(step, y, height, at)),
    );
  }

  function pill(step, y, height, width, at) {
    const x = at[step.from];
    const room = width - x - 12;
    const name = cut(step.name, room);
    const half = Math.min((name.length * CHARACTER + 22) / 2, room);
    const from = Math.max(TIME_WIDTH + 4, x - half);
    const note = cut(step.note, width - from - half * 2 - 16);
    return [
      svg('rect', { class: 'step__pill', x: from, y: y + height / 2 - 11, width: half * 2, height: 22, rx: 11 }),
      svg('text', { class: 'step__state', x: from + half, y: y + height / 2 + 4, 'text-anchor': 'middle' }, name),
      ...(note === '' ? [] : [svg('text', { class: 'step__note', x: from + half * 2 + 8, y: y + height / 2 + 4 }, note)]),
    ];
  }

  function arrow(step, y, height, at) {
    const [from, to] = [at[step.from], at[step.to]];
    const level = y + height - 11;
    const [x1, x2] = from < to ? [from + 4, to - 4] : [from - 4, to + 4];
    const tip = from < to ? -1 : 1;
    const room = Math.abs(to - from) - 16;
    const name = cut(step.name, room);
    const note = cut(step.note, room - (name.length + 2) * CHARACTER);
    return [
      svg('line', { class: 'step__line', x1, x2: x2 + tip * 6, y1: level, y2: level }),
      svg('path', { class: 'step__tip', d: `M${x2} ${level}l${tip * 9} -4.5v9z` }),
      svg(
        'text',
        { class: 'step__label', x: (from + to) / 2, y: level - 7, 'text-anchor': 'middle' },
        svg('tspan', { class: 'step__name' }, name),
        ...(note === '' ? [] : [svg('tspan', { class: 'step__note', dx: 8 }, note)]),
      ),
    ];
  }

  return {
    root,
    render(next, state, translate) {
      run = next;
      [t, lang] = [translate, state.lang];
      draw();
    },
  };
}

/** As much of a label as has room; nothing where a few letters would be left. */
function cut(words, room) {
  const most = Math.floor(room / CHARACTER);
  if (words.length <= most) return words;
  return most < 5 ? '' : `${words.slice(0, most - 1)}…`;
}
