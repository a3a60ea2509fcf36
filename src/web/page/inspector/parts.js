/**
 * What the inspector's views are made of: shapes, tabs, tables, switches.
 */

import { attribute, h, text } from '../ui/dom.js';

const SVG = 'http://www.w3.org/2000/svg';

/** An SVG element; `data` becomes data attributes, a string child its text. */
export function svg(tag, { data = {}, ...attributes } = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Tabs with their panels (WAI-ARIA: the arrows go from one to the next and choose it).
 * @param {string} label a key of the dictionary
 * @param {Record<string, HTMLElement>} panels
 * @param {(key: string) => void} changed
 */
export function createTabs(label, panels, changed) {
  const keys = Object.keys(panels);
  let chosen = keys[0];
  const tabs = keys.map((key) => {
    const panel = panels[key];
    panel.id = `inspector-panel-${key}`;
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', `inspector-tab-${key}`);
    return h('button', {
      type: 'button',
      class: 'itab',
      id: `inspector-tab-${key}`,
      role: 'tab',
      'aria-controls': panel.id,
      data: { t: `inspect.tab.${key}`, testid: `inspector-tab-${key}` },
      on: { click: () => choose(key) },
    });
  });
  const root = h('div', { class: 'itabs', role: 'tablist', data: { tLabel: label }, on: { keydown: move } }, ...tabs);

  function choose(key) {
    chosen = key;
    show();
    tabs[keys.indexOf(key)].scrollIntoView({ block: 'nearest', inline: 'center' });
    changed(key);
  }

  function show() {
    keys.forEach((key, index) => {
      panels[key].hidden = key !== chosen;
      attribute(tabs[index], 'aria-selected', String(key === chosen));
      tabs[index].tabIndex = key === chosen ? 0 : -1;
    });
  }

  function move(event) {
    const at = keys.indexOf(chosen);
    const to = {
      ArrowRight: (at + 1) % keys.length,
      ArrowLeft: (at + keys.length - 1) % keys.length,
      Home: 0,
      End: keys.length - 1,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(keys[to]);
    tabs[to].focus();
  }

  show();
  return {
    root,
    get chosen() {
      return chosen;
    },
    focus: () => tabs[keys.indexOf(chosen)].focus({ preventScroll: true }),
  };
}

/** A choice of a few, all in view; `render` says of which, and which holds. */
export function createChoice(name, label, testid, changed) {
  const root = h('div', { class: 'pills ichoice', role: 'radiogroup', data: { tLabel: label, testid } });
  let made = '';
  return {
    root,
    /** @param {{value: string, words: string}[]} options @param {string} value */
    render(options, value) {
      root.hidden = options.length < 2;
      const wanted = JSON.stringify(options);
      if (wanted !== made) {
        made = wanted;
        root.replaceChildren(
          ...options.map((option) =>
            h(
              'label',
              { class: 'pill' },
              h('input', { type: 'radio', name, value: option.value, class: 'pill__input', on: { change: () => changed(option.value) } }),
              h('span', {}, option.words),
            ),
          ),
        );
      }
      for (const input of root.querySelectorAll('input')) if (input.checked !== (input.value === value)) input.checked = input.value === value;
    },
  };
}

/** Something that is on or off, with its words. @param {(on: boolean) => void} changed */
export function createSwitch(label, testid, on, changed) {
  const input = h('input', { type: 'checkbox', role: 'switch', class: 'switch', checked: on, data: { testid }, on: { change: () => changed(input.checked) } });
  return h('label', { class: 'iswitch' }, input, h('span', { data: { t: label } }));
}

/**
 * A table; where there is little room each row becomes a block with the column's name at each value.
 * @param {{key: string, words: string}[]} columns
 * @param {{data?: object, cells: (string | Node)[]}[]} rows
 */
export function table(columns, rows, { label, testid } = {}) {
  return h(
    'table',
    { class: 'itable', 'aria-label': label, data: { testid } },
    h('thead', {}, h('tr', {}, ...columns.map(({ words }) => h('th', { scope: 'col' }, words)))),
    h(
      'tbody',
      {},
      ...rows.map(({ data = {}, cells }) =>
        h('tr', { data }, ...cells.map((cell, index) => h('td', { data: { label: columns[index].words, column: columns[index].key } }, cell))),
      ),
    ),
  );
}

/** Pairs of a name and a value; null is told as such. @param {[string, string | null, string?][]} pairs */
export function facts(pairs, untold) {
  return h(
    'dl',
    { class: 'facts' },
    ...pairs.map(([name, value, testid]) =>
      h('div', { class: 'facts__row' }, h('dt', {}, name), h('dd', { data: testid ? { testid } : {}, class: value === null ? 'facts__none' : '' }, value ?? untold)),
    ),
  );
}

/** Puts text on the clipboard. @returns {Promise<boolean>} whether the browser allowed it */
export async function toClipboard(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return false;
  }
}

/** A button whose words change; made once. */
export function wordButton(testid, className, press) {
  const button = h('button', { type: 'button', class: `button ${className}`, data: { testid }, on: { click: press } });
  return { button, say: (words) => text(button, words) };
}
