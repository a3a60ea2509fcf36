/**
 * What admins see and do: who watches, what is shown, who is invited. Only while it is open is the
 * daemon asked.
 */

import { fillDialog } from './dialog.js';
import { h, text } from './dom.js';
import { createInvitations } from './invitations.js';
import { createPauses } from './pauses.js';
import { createWatchers } from './watchers.js';

/**
 * @param {HTMLDialogElement} dialog
 * @param {object} actions of the page
 */
export function createAdmin(dialog, actions) {
  const parts = { viewers: createWatchers(actions), sources: createPauses(actions), invitations: createInvitations(actions) };
  const tabs = Object.keys(parts).map((key, index) => {
    const input = h('input', {
      type: 'radio',
      name: 'admin',
      value: key,
      class: 'pill__input',
      checked: index === 0,
      data: { testid: `admin-${key}` },
      on: { change: show },
    });
    return { key, input, element: h('label', { class: 'pill' }, input, h('span', { data: { t: `admin.tab.${key}` } })) };
  });
  const notHere = h('p', { class: 'admin__note', role: 'status' });
  const body = h('div', { class: 'admin__part' }, ...Object.values(parts).map(({ root }) => root));
  fillDialog(
    dialog,
    { title: 'admin.title', testid: 'admin-close', closed: () => actions.watchViewers(false) },
    h('div', { class: 'admin' }, h('div', { class: 'pills', role: 'radiogroup', data: { tLabel: 'admin.tabs' } }, ...tabs.map(({ element }) => element)), notHere, body),
  );
  show();

  function show() {
    for (const { key, input } of tabs) parts[key].root.hidden = !input.checked;
  }

  let state = null;
  let t = null;

  function draw() {
    if (!dialog.open) return;
    if (state.role !== 'admin') return dialog.close();
    const here = state.phase === 'connected';
    notHere.hidden = here;
    text(notHere, here ? '' : t(`status.${state.phase}`));
    body.inert = !here;
    for (const part of Object.values(parts)) part.render(state, t);
  }

  return {
    open() {
      if (!dialog.open) dialog.showModal();
      // The arrows go from one part to the next.
      tabs.find(({ input }) => input.checked)?.input.focus();
      draw();
      actions.watchViewers(true);
    },
    get isOpen() {
      return dialog.open;
    },
    render(next, translate) {
      [state, t] = [next, translate];
      draw();
    },
  };
}
