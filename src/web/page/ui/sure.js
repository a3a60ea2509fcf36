/**
 * A button that asks back: the first press changes its words, the second within some seconds does it.
 */

import { attribute, h, text } from './dom.js';

const WAIT_MS = 5000;

/**
 * @param {object} options
 * @param {string} options.testid
 * @param {() => void} options.press
 */
export function sureButton({ testid, press }) {
  let asking = false;
  let timer = null;
  let words = { once: '', sure: '', name: '' };
  const root = h('button', { type: 'button', class: 'button button--small sure', data: { testid }, on: { click, blur: () => ask(false) } });

  function ask(value) {
    asking = value;
    clearTimeout(timer);
    if (asking) timer = setTimeout(() => ask(false), WAIT_MS);
    draw();
  }

  function click() {
    if (!asking) return ask(true);
    ask(false);
    press();
  }

  function draw() {
    text(root, asking ? words.sure : words.once);
    attribute(root, 'aria-label', `${asking ? words.sure : words.once} ${words.name}`.trim());
    attribute(root, 'data-sure', String(asking));
  }

  return {
    root,
    /** @param {{once: string, sure: string, name: string}} next `name`: of what, for screen readers */
    render(next) {
      words = next;
      draw();
    },
  };
}
