/**
 * Files as a part of the page: joins their logic to the cards, the buttons and the drop zone.
 */

import { createSharing } from '../files/sharing.js';
import { chooseFiles, createDrop } from './drop.js';
import { iconButton, label } from './dom.js';
import { createFiles } from './files.js';

/** What the page's state has of files before there are any. */
export const NO_FILES = { files: [] };

/**
 * @param {object} options
 * @param {object} options.store
 * @param {object} options.actions
 * @param {object} options.timers
 * @param {HTMLElement} options.drop covers the page while something is dragged over it
 */
export function createFilesPart({ store, actions, timers, drop: dropRoot }) {
  let sharing = null;
  const acts = {
    choose: (what, transfer) => void sharing.choose(what, transfer),
    clear: () => sharing.clear(),
    folder: () => sharing.folder(),
    send: (files, to) => sharing.send(files, to),
    get can() {
      return sharing.can;
    },
    get keep() {
      return sharing.keep;
    },
  };
  const cards = createFiles(acts);
  const drop = createDrop(dropRoot, acts);
  const choose = (to) => chooseFiles((files) => acts.send(files, to));
  const attach = iconButton('attach', { label: 'files.send.all', testid: 'file-send', class: 'composer__attach', hidden: true, on: { click: () => choose(null) } });
  /** Of each participant's row. */
  const buttons = new Map();

  return {
    root: cards.root,
    attach,
    render(state, t) {
      attach.hidden = sharing.most === null;
      cards.render(state, t);
    },

    /** For a participant's row: sends a file to that one alone. */
    button({ id, name }, t) {
      if (sharing.most === null) return null;
      const there = store.get().room.people;
      for (const each of buttons.keys()) if (!there.some((person) => person.id === each)) buttons.delete(each);
      if (!buttons.has(id)) buttons.set(id, iconButton('attach', { testid: 'file-send-one', class: 'person__send', on: { click: () => choose(id) } }));
      const button = buttons.get(id);
      label(button, t('files.send.one', { name }));
      return button;
    },

    /** Whoever uses the page next is somebody else. */
    forget: () => sharing.forget(),

    /** A view of its own: it is there whether the room's panel is open or not. */
    drop: { render: (state, t) => drop.render({ others: sharing.others, most: sharing.most }, t) },

    /** @param {object} room @param {object} pairs of call/pairs.js */
    join(room, pairs) {
      sharing = createSharing({ room, pairs, store, timers, note: actions.note });
    },
  };
}
