/**
 * The sources as an admin steers them: shown to everybody, or paused for everybody.
 */

import { causeKey } from '../state/cover.js';
import { attribute, h, icon, setIcon, text } from './dom.js';

/** @param {object} actions of the page */
export function createPauses(actions) {
  const list = h('ul', { class: 'admin__list', data: { testid: 'pauses' } });
  const every = (testid, key, press) =>
    h('button', { type: 'button', class: 'button button--small', data: { t: key, testid }, on: { click: press } });
  const pauseAll = every('pause-all', 'admin.pause_all', () => actions.pauseForAll(null, true));
  const resumeAll = every('resume-all', 'admin.resume_all', () => actions.pauseForAll(null, false));
  const rows = new Map();

  function row({ name }) {
    const parts = {
      shape: icon('launch'),
      title: h('span', { class: 'option__title' }),
      note: h('span', { class: 'option__note' }),
      input: h('input', {
        type: 'checkbox',
        role: 'switch',
        class: 'switch',
        data: { testid: 'pause-switch', source: name },
        on: { change: () => actions.pauseForAll(name, !parts.input.checked) },
      }),
    };
    const element = h(
      'li',
      {},
      h('label', { class: 'option' }, parts.shape, h('span', { class: 'option__text' }, parts.title, parts.note), parts.input),
    );
    return { ...parts, element };
  }

  return {
    root: h('div', {}, h('p', { class: 'admin__note', data: { t: 'admin.pause.note' } }), list, h('div', { class: 'admin__buttons' }, pauseAll, resumeAll)),
    render(state, t) {
      const names = state.sources.map(({ name }) => name);
      if (names.join() !== [...rows.keys()].join()) {
        rows.clear();
        for (const source of state.sources) rows.set(source.name, row(source));
        list.replaceChildren(...[...rows.values()].map(({ element }) => element));
      }
      for (const source of state.sources) {
        const { shape, title, note, input } = rows.get(source.name);
        const paused = source.state === 'paused';
        const here = paused && source.by === 'machine';
        setIcon(shape, source.kind);
        text(title, source.title);
        const words = source.state === 'failed' ? causeKey(source.cause, source.media) : `state.${source.state}`;
        text(note, t(here ? 'admin.pause.machine' : words));
        attribute(note, 'data-state', source.state);
        if (input.checked === paused) input.checked = !paused;
        input.disabled = here;
        attribute(input, 'aria-label', t('admin.pause.switch', { title: source.title }));
      }
      pauseAll.disabled = state.sources.every(({ state: now }) => now === 'paused');
      resumeAll.disabled = !state.sources.some(({ state: now, by }) => now === 'paused' && by !== 'machine');
    },
  };
}
