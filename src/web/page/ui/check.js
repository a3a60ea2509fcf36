/**
 * The connection test's dialog: runs it when opened, says what works and what to do about the rest.
 */

import { formatter } from '../stats/format.js';
import { fillDialog } from './dialog.js';
import { attribute, h, icon, text } from './dom.js';

const SIGNS = { good: 'done', fair: 'warning', bad: 'blocked', none: 'neutral' };

/**
 * @param {HTMLDialogElement} dialog
 * @param {object} options
 * @param {() => Promise<{summary: object, lines: object[]}>} options.run
 */
export function createCheck(dialog, { run }) {
  let result = null;
  let running = false;
  let t = null;
  let lang = 'en';

  const summary = h('p', { class: 'check__summary', role: 'status', data: { testid: 'check-summary' } });
  const spinner = h('span', { class: 'spinner', 'aria-hidden': 'true' });
  const head = h('div', { class: 'check__head' }, spinner, summary);
  const list = h('ul', { class: 'check__list', data: { testid: 'check-list' } });
  const again = h('button', {
    type: 'button',
    class: 'button button--primary',
    data: { t: 'check.again', testid: 'check-again' },
    on: { click: start },
  });
  const copy = h('button', { type: 'button', class: 'button', data: { testid: 'check-copy' }, on: { click: toClipboard } });
  let copied = false;
  fillDialog(
    dialog,
    { title: 'check.title', testid: 'check-close' },
    h('div', { class: 'check' }, head, list, h('div', { class: 'check__buttons' }, again, copy)),
  );

  async function start() {
    if (running) return;
    running = true;
    copied = false;
    draw();
    result = await run();
    running = false;
    draw();
  }

  /** The sentences of a line: what was found, and what to do. */
  function sentences({ words, advice, values }) {
    const f = formatter(lang);
    const filled = { ...values };
    if ('ms' in values) filled.ms = f.roundTrip(values.ms);
    if ('route' in values) filled.route = t(`route.${values.route}`);
    return [t(words, filled), advice === null ? '' : t(advice, filled)];
  }

  async function toClipboard() {
    const lines = result.lines.map((line) => `${t(`check.${line.id}.name`)}: ${sentences(line)[0]}`);
    try {
      await navigator.clipboard.writeText([t(result.summary.words), ...lines].join('\n'));
      copied = true;
    } catch {
      // Where the browser does not allow it there is still the eye.
    }
    draw();
  }

  function draw() {
    if (t === null) return;
    spinner.hidden = !running;
    again.disabled = running;
    copy.hidden = running || result === null || navigator.clipboard === undefined;
    text(copy, t(copied ? 'check.copied' : 'check.copy'));
    attribute(dialog, 'data-running', String(running));
    attribute(head, 'data-verdict', running || result === null ? 'none' : result.summary.verdict);
    text(summary, t(running || result === null ? 'check.running' : result.summary.words));
    list.hidden = running || result === null;
    if (list.hidden) return;
    list.replaceChildren(
      ...result.lines.map((line) => {
        const [said, advice] = sentences(line);
        return h(
          'li',
          { class: 'check__line', data: { testid: 'check-line', line: line.id, verdict: line.verdict } },
          icon(SIGNS[line.verdict]),
          h(
            'div',
            { class: 'check__text' },
            h('p', { class: 'check__name' }, t(`check.${line.id}.name`), h('span', { class: 'unseen' }, `: ${t(`check.verdict.${line.verdict}`)}`)),
            h('p', { class: 'check__words' }, said),
            advice === '' ? null : h('p', { class: 'check__advice' }, advice),
          ),
        );
      }),
    );
  }

  return {
    open() {
      if (!dialog.open) dialog.showModal();
      void start();
    },
    render(state, translate) {
      const other = state.lang !== lang || t === null;
      [lang, t] = [state.lang, translate];
      if (other) draw();
    },
  };
}
