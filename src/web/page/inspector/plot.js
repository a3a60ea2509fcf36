/**
 * One chart: lines over time on uPlot (vendor/), in the page's colours, with its values in words.
 */

import { h, text } from '../ui/dom.js';
import { extremes } from './series.js';

const HEIGHT = 132;
/** As many colours as there are in inspector.css. */
const COLOURS = 6;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * @param {typeof import('../vendor/uPlot.esm.js').default} uPlot
 * @param {object} options
 * @param {string} options.key of the chart
 * @param {(value: number) => string} options.tick a value on the axis
 * @param {number} options.least how far up the axis goes at least
 * @param {(times: number[]) => [number, number]} options.range of the horizontal axis
 * @param {(value: number) => string} options.time a value on the horizontal axis
 */
export function createPlot(uPlot, { key, tick, least, range, time }) {
  const title = h('h3', { class: 'chart__title' });
  const unit = h('p', { class: 'chart__note' });
  const holder = h('div', { class: 'chart__plot', role: 'img' });
  const legend = h('ul', { class: 'chart__legend' });
  const none = h('p', { class: 'chart__none' });
  const root = h('section', { class: 'chart', data: { chart: key, testid: 'chart', points: '0' } }, title, unit, holder, none, legend);
  let plot = null;
  let made = '';
  let data = null;
  let lines = [];
  let say = null;

  new ResizeObserver(() => plot?.setSize({ width: holder.clientWidth, height: HEIGHT })).observe(holder);

  function make() {
    plot?.destroy();
    const axis = { stroke: () => colour('--faint'), font: '11px system-ui, sans-serif', ticks: { show: false } };
    const line = (at) => ({
      stroke: () => colour(`--series-${(at % COLOURS) + 1}`),
      width: 1.6,
      fill: lines.length === 1 ? () => `color-mix(in srgb, ${colour(`--series-${(at % COLOURS) + 1}`)} 12%, transparent)` : undefined,
      points: { show: false },
      spanGaps: false,
    });
    plot = new uPlot(
      {
        width: Math.max(1, holder.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 18, 0, 0],
        cursor: { sync: { key: 'inspector' }, y: false, drag: { setScale: false, x: false, y: false }, points: { size: 6 } },
        scales: {
          x: { time: false, range: () => range(data[0]) },
          y: { range: (_, min, max) => [0, Math.max(least, (max ?? 0) * 1.15)] },
        },
        axes: [
          { ...axis, size: 22, gap: 4, grid: { show: false }, space: 60, values: (_, at) => at.map(time) },
          { ...axis, size: 48, gap: 6, space: 34, grid: { stroke: () => colour('--line'), width: 1 }, values: (_, at) => at.map(tick) },
        ],
        series: [{}, ...lines.map((each) => line(each.colour))],
        hooks: { setCursor: [() => write()] },
      },
      data,
      holder,
    );
  }

  /** The words: what is under the pointer, or what is now. */
  function write() {
    if (say === null) return;
    const at = plot?.cursor.idx ?? null;
    const shown = lines.map(({ name }, index) => {
      const values = data[index + 1];
      const found = extremes(values);
      return { name, value: at === null ? found.last : values[at], ...found };
    });
    shown.forEach(({ value, min, max }, index) => {
      const row = legend.children[index];
      if (row === undefined) return;
      text(row.children[2], say.value(value));
      text(row.children[3], say.span(min, max));
    });
    const told = shown.map(({ name, last, min, max }) => [name, say.all(last, min, max)].filter((part) => part !== '').join(': '));
    holder.setAttribute('aria-label', [title.textContent, ...told].join('. '));
  }

  return {
    root,
    /**
     * @param {{times: number[], lines: {name: string, colour: number, values: (number | null)[]}[]}} chart
     * @param {{title: string, note: string, none: string, value: (v: number | null) => string,
     *   span: (min: number, max: number) => string, all: Function}} words
     */
    render({ times, lines: next }, words) {
      say = words;
      lines = next;
      text(title, words.title);
      text(unit, words.note);
      text(none, words.none);
      none.hidden = lines.length > 0;
      holder.hidden = legend.hidden = lines.length === 0;
      root.dataset.points = String(lines.length === 0 ? 0 : times.length);
      data = [times, ...lines.map(({ values }) => values)];
      const shape = lines.map((line) => `${line.colour} ${line.name}`).join('\n');
      if (lines.length > 0 && (plot === null || shape !== made)) {
        made = shape;
        legend.replaceChildren(
          ...lines.map((line) =>
            h('li', {}, h('span', { class: 'swatch', 'aria-hidden': 'true', data: { series: String((line.colour % COLOURS) + 1) } }), h('span', { class: 'chart__name' }, line.name), h('b', {}), h('small', {})),
          ),
        );
        make();
      } else if (lines.length > 0) plot.setData(data);
      write();
    },
    /** Drawn again in the colours of now. */
    repaint: () => plot?.redraw(false),
  };
}
