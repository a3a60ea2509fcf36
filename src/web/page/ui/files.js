/**
 * The files on their way, a card each: what it is, from or to whom, how far, and what one can do.
 */

import { isHeld, isOver } from '../files/machine.js';
import { choices, figures, look, ranked, sentence } from '../files/words.js';
import { formatter } from '../stats/format.js';
import { createAvatar } from './avatar.js';
import { attribute, h, icon, iconButton, label, setIcon, text } from './dom.js';

/** The buttons with an icon alone; the others have words. */
const ICONS = { pause: 'pause', resume: 'play', cancel: 'close', dismiss: 'close' };
const PRIMARY = new Set(['accept', 'save']);

/**
 * @param {object} acts
 * @param {(what: string, transfer: object) => void} acts.choose one of `choices`
 * @param {{place: boolean}} acts.can
 * @param {{mostHere: number}} acts.keep
 * @param {() => void} acts.clear takes what is over off the list
 */
export function createFiles(acts) {
  const list = h('ul', { class: 'files__list', data: { testid: 'files', tLabel: 'files.title' } });
  const clear = h('button', { type: 'button', class: 'button button--small', data: { t: 'files.clear', testid: 'files-clear' }, on: { click: acts.clear } });
  const head = h('div', { class: 'files__head' }, h('h2', { class: 'files__title', data: { t: 'files.title' } }), clear);
  const root = h('section', { class: 'files', hidden: true }, head, list);
  const cards = new Map();

  function card() {
    const avatar = createAvatar();
    const arrow = icon('up');
    const name = h('bdi', { class: 'file__name', data: { testid: 'file-name' } });
    const about = h('p', { class: 'file__about' });
    const fill = h('div', { class: 'file__fill' });
    const bar = h('div', { class: 'file__bar', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', data: { testid: 'file-progress' } }, fill);
    const numbers = h('p', { class: 'file__numbers', data: { testid: 'file-numbers' } });
    const words = h('p', { class: 'file__words', role: 'status', data: { testid: 'file-words' } });
    const corner = h('div', { class: 'file__corner' });
    const row = h('div', { class: 'file__buttons' });
    const element = h(
      'li',
      { class: 'file', data: { testid: 'file' } },
      h('span', { class: 'file__mark' }, avatar.root, h('span', { class: 'file__arrow' }, arrow)),
      h('div', { class: 'file__head' }, h('p', { class: 'file__title' }, name), about),
      corner,
      h('div', { class: 'file__body' }, bar, numbers, words, row),
    );
    let transfer = null;
    let buttons = new Map();
    let shown = '';

    function arrange(wanted) {
      if (wanted.join() === shown) return;
      const focused = [...buttons].find(([, button]) => button === document.activeElement)?.[0];
      shown = wanted.join();
      buttons = new Map(wanted.map((what) => [what, button(what)]));
      row.replaceChildren(...wanted.filter((what) => !(what in ICONS)).map((what) => buttons.get(what)));
      corner.replaceChildren(...wanted.filter((what) => what in ICONS).map((what) => buttons.get(what)));
      row.hidden = row.childNodes.length === 0;
      // Who has pressed one is not thrown to the beginning of the page.
      if (focused !== undefined) (buttons.get(focused) ?? buttons.values().next().value)?.focus();
    }

    function button(what) {
      const options = { data: { testid: `file-${what}` }, on: { click: () => acts.choose(what, transfer) } };
      if (what in ICONS) return iconButton(ICONS[what], { ...options, class: 'button--small-icon' });
      return h('button', { type: 'button', class: `button button--small ${PRIMARY.has(what) ? 'button--primary' : ''}`, ...options });
    }

    return {
      element,
      render(next, t, format) {
        transfer = next;
        const { outgoing, person, size, bytes, state } = transfer;
        avatar.render(person);
        setIcon(arrow, outgoing ? 'up' : 'down');
        text(name, transfer.name);
        attribute(name, 'title', transfer.name);
        attribute(element, 'data-look', look(transfer));
        attribute(element, 'data-phase', state.phase);
        attribute(element, 'data-outgoing', String(outgoing));
        attribute(element, 'data-peer', transfer.peer);
        attribute(element, 'data-bytes', bytes);
        const moves = ['moving', 'checking', 'parted'].includes(state.phase);
        text(about, `${t(outgoing ? 'files.to' : 'files.from', { name: person.name })}${moves ? '' : ` · ${format.bytes(size)}`}`);
        const percent = size === 0 ? 100 : Math.floor((bytes / size) * 100);
        bar.hidden = !moves;
        fill.style.width = `${percent}%`;
        attribute(bar, 'aria-valuenow', percent);
        attribute(bar, 'aria-label', transfer.name);
        attribute(bar, 'data-stands', String(!transfer.linked || isHeld(state)));
        numbers.hidden = !moves;
        text(numbers, figures(transfer, format, t).join(' · '));
        const said = sentence(transfer, t);
        words.hidden = said === '';
        text(words, said);
        arrange(choices(transfer, { place: acts.can.place, most: acts.keep.mostHere }));
        for (const [what, each] of buttons) {
          const called = t(`files.${what}`);
          if (what in ICONS) label(each, called);
          else text(each, called);
          attribute(each, 'aria-label', `${called}: ${transfer.name}`);
        }
      },
    };
  }

  return {
    root,
    render(state, t) {
      const transfers = ranked(state.files);
      const format = formatter(state.lang);
      root.hidden = transfers.length === 0;
      clear.hidden = transfers.filter((each) => isOver(each.state)).length < 2;
      for (const [key, { element }] of cards) {
        if (transfers.some((each) => each.key === key)) continue;
        element.remove();
        cards.delete(key);
      }
      transfers.forEach((transfer, index) => {
        if (!cards.has(transfer.key)) cards.set(transfer.key, card());
        const { element, render } = cards.get(transfer.key);
        render(transfer, t, format);
        if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
      });
    },
  };
}
