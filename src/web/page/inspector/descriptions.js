/**
 * Offer and answer beside each other, section by section, with what each line means.
 */

import { h, text } from '../ui/dom.js';
import { createChoice, createSwitch } from './parts.js';
import { HIDDEN } from './redact.js';
import { parseSdp, sideBySide } from './sdp.js';

export function createDescriptions() {
  let run = null;
  let round = null;
  let meanings = true;
  let secrets = false;
  let drawn = '';
  let t = null;
  let lang = 'en';
  /** The sections that a person has opened or closed. */
  const opened = new Map();

  const rounds = createChoice('inspector-round', 'inspect.sdp.round', 'sdp-round', (value) => {
    round = Number(value);
    draw();
  });
  const explain = createSwitch('inspect.sdp.meanings', 'sdp-meanings', meanings, (on) => {
    meanings = on;
    draw();
  });
  const reveal = createSwitch('inspect.sdp.secrets', 'sdp-secrets', secrets, (on) => {
    secrets = on;
    draw();
  });
  const list = h('div', { class: 'sdp__list', data: { testid: 'sdp' } });
  const none = h('p', { class: 'inote', role: 'status' });
  const heads = h('div', { class: 'sdp__heads', 'aria-hidden': 'true' }, h('span', { data: { t: 'inspect.sdp.offer' } }), h('span', { data: { t: 'inspect.sdp.answer' } }));
  const root = h('section', { class: 'ipanel ipanel--scroll sdp' }, h('div', { class: 'sdp__top' }, rounds.root, explain, reveal), none, heads, list);

  /** Each offer with the answer that followed it. */
  function exchanges() {
    const made = [];
    for (const entry of run.entries) {
      if (entry.kind !== 'signal' || entry.peer !== undefined) continue;
      if (entry.message.type === 'offer') made.push({ id: entry.id, offer: entry.message.sdp ?? '', answer: null });
      else if (entry.message.type === 'answer' && made.length > 0) made.at(-1).answer ??= entry.message.sdp ?? '';
    }
    return made;
  }

  function draw() {
    if (t === null || run === null || root.hidden) return;
    const made = exchanges();
    if (!made.some(({ id }) => id === round)) round = made.at(-1)?.id ?? null;
    const shown = made.find(({ id }) => id === round) ?? null;
    const signature = [run.id, made.length, round, shown?.answer === null, meanings, secrets, lang].join();
    if (signature === drawn) return;
    drawn = signature;
    rounds.render(
      made.map(({ id }, index) => ({ value: String(id), words: index === 0 ? t('inspect.sdp.first') : t('inspect.sdp.again', { number: index }) })),
      String(round),
    );
    none.hidden = shown !== null && shown.answer !== null;
    text(none, t(shown === null ? 'inspect.sdp.none' : 'inspect.sdp.waiting'));
    heads.hidden = shown === null;
    root.dataset.meanings = String(meanings);
    list.replaceChildren(...(shown === null ? [] : sideBySide(parseSdp(shown.offer), parseSdp(shown.answer ?? '')).map(section)));
  }

  function section({ offer, answer, rows }, index) {
    const about = offer ?? answer;
    const title = about.kind === 'session' ? t('inspect.sdp.session') : t('inspect.sdp.section', { media: about.media, mid: about.mid });
    const marks = [offer?.direction, answer?.direction].filter((each) => each).join(' → ');
    const element = h(
      'details',
      { class: 'sdp__section', open: opened.get(index) ?? index < 2, data: { testid: 'sdp-section' }, on: { toggle: () => opened.set(index, element.open) } },
      h(
        'summary',
        {},
        h('span', { class: 'sdp__title' }, title),
        marks === '' ? null : h('span', { class: 'tag' }, marks),
        answer?.rejected ? h('span', { class: 'tag tag--bad' }, t('inspect.sdp.rejected')) : null,
        h('span', { class: 'sdp__count' }, t('inspect.sdp.lines', { count: rows.length })),
      ),
      h('div', { class: 'sdp__rows' }, ...rows.map(row)),
    );
    return element;
  }

  function row({ offer, answer }) {
    const [left, right] = [meaningOf(offer), meaningOf(answer)];
    return h('div', { class: 'sdp__row' }, cell(offer, left, 'offer'), cell(answer, left === right ? '' : right, 'answer'));
  }

  function cell(line, meaning, side) {
    if (line === null) return h('div', { class: 'sdp__cell sdp__cell--none', data: { side } }, h('span', { class: 'unseen' }, t('inspect.sdp.missing')));
    const known = line.meaning !== null;
    return h(
      'div',
      { class: 'sdp__cell', data: { side, name: line.name, known: String(known) } },
      h('code', { class: 'sdp__raw' }, ...rawParts(line)),
      meanings && meaning !== '' ? h('p', { class: 'sdp__meaning' }, meaning, line.spec === '' ? null : h('span', { class: 'sdp__spec' }, ` ${line.spec}`)) : null,
    );
  }

  function meaningOf(line) {
    if (line === null) return '';
    return line.meaning === null ? t('inspect.sdp.unknown') : t(`sdp.${line.meaning}`, line.values);
  }

  /** The line in two tones: what it is called, and what it says. */
  function rawParts(line) {
    const value = line.secret && !secrets ? HIDDEN : line.value;
    const head = line.raw.slice(0, line.raw.length - line.value.length);
    return [h('b', {}, line.name === '' ? '' : head), line.name === '' ? line.raw : value];
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
