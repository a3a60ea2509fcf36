/**
 * The choice of one picture's quality: the button beside the picture's others, and its menu.
 * The menu lies outside the picture, which would cut it off, but for a picture that fills the
 * screen, outside which nothing is seen.
 */

import { chosenRung, hasChoice, rungKey } from '../state/renditions.js';
import { formatter } from '../stats/format.js';
import { attribute, h, icon, iconButton, label, text } from './dom.js';
import { bindPopover } from './popover.js';
import { fullscreenElement } from './screen.js';

/** Between the button and its menu, and between the menu and the window's edge, in pixels. */
const GAP = 8;

let made = 0;

/**
 * @param {string} name of the source
 * @param {HTMLElement} tile the picture
 * @param {object} actions of the page
 */
export function createQuality(name, tile, actions) {
  made += 1;
  const button = iconButton('quality', { testid: 'tile-quality', class: 'button--glass', hidden: true });
  const heading = h('p', { class: 'menu__heading', 'aria-hidden': 'true' });
  const list = h('div', { class: 'menu__list', role: 'none' });
  const panel = h(
    'div',
    { class: 'menu menu--quality', id: `quality-menu-${made}`, role: 'menu', data: { testid: 'quality-menu', source: name } },
    heading,
    list,
  );
  const popover = bindPopover(button, panel, { opening: place });
  panel.addEventListener('keydown', (event) => {
    // What the page's own keys do would go on behind the menu.
    if (event.key !== 'Escape') event.stopPropagation();
    if (event.key === 'Tab') popover.close(true);
    const to = step(event.key, [...list.children].indexOf(document.activeElement), list.children.length);
    if (to === null) return;
    event.preventDefault();
    list.children[to].focus();
  });
  const automatic = entry('automatic', null);
  let rungs = [];

  function entry(testid, rung) {
    const parts = {
      title: h('span', { class: 'option__title' }),
      note: h('span', { class: 'option__note' }),
      rate: h('span', { class: 'option__rate' }),
    };
    const element = h(
      'button',
      {
        type: 'button',
        class: 'option',
        role: 'menuitemradio',
        tabIndex: -1,
        data: { testid: `quality-${testid}` },
        on: {
          click: () => {
            popover.close(true);
            actions.choose(name, rung);
          },
        },
      },
      icon('check'),
      h('span', { class: 'option__text' }, parts.title, parts.note),
      parts.rate,
    );
    return { ...parts, element };
  }

  const home = () => (fullscreenElement() === tile ? tile : document.body);

  /** Above the button, or below where there is no room; a narrow window has its own way. */
  function place() {
    if (panel.parentNode !== home()) home().append(panel);
    const { style } = panel;
    style.removeProperty('--room');
    const at = button.getBoundingClientRect();
    const { offsetHeight: height, offsetWidth: width } = panel;
    const [above, below] = [at.top - 2 * GAP, innerHeight - at.bottom - 2 * GAP];
    const upwards = height <= above || above >= below;
    style.setProperty('--left', `${Math.max(GAP, Math.min(at.right, innerWidth - GAP) - width)}px`);
    style.setProperty('--top', `${upwards ? Math.max(GAP, at.top - GAP - height) : at.bottom + GAP}px`);
    style.setProperty('--room', `${upwards ? above : below}px`);
  }
  const resized = () => panel.hidden || place();
  addEventListener('resize', resized);

  return {
    button,
    /** The picture is gone: so is its menu. */
    remove() {
      popover.close(false);
      panel.remove();
      removeEventListener('resize', resized);
    },
    render(state, { title, rendition }, t) {
      const shown = hasChoice(rendition);
      button.hidden = !shown;
      // Another element fills the screen now, or none does: the menu would be behind it.
      if (!panel.hidden && (!shown || panel.parentNode !== home())) popover.close(false);
      if (!shown) return;
      const words = t('quality.of', { title });
      label(button, words);
      attribute(panel, 'aria-label', words);
      if (rungs.length !== rendition.rungs.length) {
        rungs = rendition.rungs.map((_, index) => entry(String(index), index));
        list.replaceChildren(automatic.element, ...rungs.map(({ element }) => element));
      }
      const f = formatter(state.lang);
      const chosen = chosenRung(state.chosenRungs, name);
      const now = rendition.rungs[rendition.rung];
      text(heading, t('quality.title'));
      text(automatic.title, t('quality.automatic'));
      text(automatic.note, chosen === null ? t('quality.now', { figures: f.rung(now) }) : t('quality.automatic.body'));
      attribute(automatic.element, 'aria-checked', String(chosen === null));
      rungs.forEach(({ title: word, note, rate, element }, index) => {
        const { width, height, framerate, bitrateKbps } = rendition.rungs[index];
        const key = framerate === 1 ? 'quality.figures.one' : 'quality.figures';
        text(word, t(rungKey(rendition.rungs, index)));
        text(note, t(key, { size: f.size(width, height), rate: f.rate(framerate) }));
        text(rate, f.bitrate(bitrateKbps));
        attribute(element, 'aria-checked', String(chosen === index));
      });
    },
  };
}

/**
 * Where a key takes the focus in a menu (WAI-ARIA, pattern "menu"); null where it does nothing.
 * Pure.
 */
export function step(key, from, count) {
  switch (key) {
    case 'ArrowDown':
      return (from + 1) % count;
    case 'ArrowUp':
      return (Math.max(0, from) - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
