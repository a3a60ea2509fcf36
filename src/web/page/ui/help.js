/**
 * The keyboard: what each key does, and the dialog that says so.
 */

import { fillDialog } from './dialog.js';
import { h } from './dom.js';

/** Keys as shown, and the words for them; `null` ends a column's group. */
const GROUPS = [
  [
    'help.view',
    [
      [['1', '–', '9'], 'help.number'],
      [['key.shift', '1', '–', '9'], 'help.show_hide'],
      [['0', 'G'], 'layout.grid'],
      [['B'], 'layout.focus'],
      [['O'], 'layout.overlay'],
      [['L'], 'help.next_layout'],
      [['X', '→'], 'help.swap'],
      [['F'], 'tools.fullscreen'],
      [['P'], 'help.pip'],
    ],
  ],
  [
    'help.sound',
    [
      [['M'], 'help.mute'],
      [['↑', '↓'], 'help.volume'],
    ],
  ],
  ['help.call', [[['key.space'], 'help.talk']]],
  [
    'help.page',
    [
      [['C'], 'help.room'],
      [['P'], 'help.point'],
      [['I'], 'tools.stats'],
      [['key.shift', 'I'], 'menu.inspector'],
      [['T'], 'help.theme'],
      [['?'], 'help.help'],
      [['key.esc'], 'help.escape'],
    ],
  ],
];

/** @param {HTMLDialogElement} dialog */
export function createHelp(dialog) {
  const key = (name) => {
    if (name === '–') return h('span', { class: 'keys__to' }, name);
    return name.startsWith('key.') ? h('kbd', { data: { t: name } }) : h('kbd', {}, name);
  };
  const group = ([title, rows]) =>
    h(
      'section',
      { class: 'keys' },
      h('h3', { class: 'keys__title', data: { t: title } }),
      h(
        'dl',
        {},
        ...rows.map(([keys, words]) =>
          h('div', { class: 'keys__row' }, h('dt', { data: { t: words } }), h('dd', {}, ...keys.map(key))),
        ),
      ),
    );
  fillDialog(
    dialog,
    { title: 'help.title', testid: 'help-close' },
    h('div', { class: 'dialog__body' }, group(GROUPS[0]), h('div', {}, ...GROUPS.slice(1).map(group))),
  );
  return { open: () => dialog.open || dialog.showModal() };
}

/**
 * What a key asks for, by its position-free name; null for nothing. Pure.
 * @param {{key: string, code: string, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean, altKey: boolean,
 *   isComposing?: boolean, keyCode?: number}} event
 * @returns {{action: string, value?: unknown} | null}
 */
export function shortcut({ key, code, shiftKey, ctrlKey, metaKey, altKey, isComposing = false, keyCode = 0 }) {
  // It is the input method's; Safari says so by that number alone.
  if (isComposing || keyCode === 229) return null;
  if (ctrlKey || metaKey || altKey) return null;
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code ?? '')?.[1];
  if (digit === '0' && !shiftKey) return { action: 'setLayout', value: 'grid' };
  if (digit !== undefined && digit !== '0') {
    return { action: shiftKey ? 'toggleHiddenAt' : 'makeBigAt', value: Number(digit) - 1 };
  }
  const plain = {
    g: { action: 'setLayout', value: 'grid' },
    b: { action: 'setLayout', value: 'focus' },
    o: { action: 'setLayout', value: 'overlay' },
    l: { action: 'nextLayout' },
    x: { action: 'swap', value: 1 },
    arrowright: { action: 'swap', value: 1 },
    arrowleft: { action: 'swap', value: -1 },
    f: { action: 'fullscreen' },
    p: { action: 'pip' },
    m: { action: 'toggleMute' },
    arrowup: { action: 'changeVolume', value: 0.05 },
    arrowdown: { action: 'changeVolume', value: -0.05 },
    c: { action: 'toggleRoom' },
    i: { action: 'toggleStats' },
    t: { action: 'toggleTheme' },
    '?': { action: 'help' },
    escape: { action: 'back' },
  };
  const name = key.toLowerCase();
  if (name === 'i' && shiftKey) return { action: 'inspect' };
  return Object.hasOwn(plain, name) ? plain[name] : null;
}
