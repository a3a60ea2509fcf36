/**
 * The rooms there are, and the way from one to another; for admins, how to make and to close them.
 */

import { MAIN, pathOf } from '../room/told.js';
import { attribute, h, icon, text } from './dom.js';
import { sureButton } from './sure.js';

/** @param {object} acts what a person can do in the room */
export function createRooms(acts) {
  const list = h('ul', { class: 'rooms__list', data: { tLabel: 'room.rooms', testid: 'rooms' } });
  const title = h('input', { class: 'field__input field__input--plain', id: 'room-title', maxLength: 80, autocomplete: 'off', data: { testid: 'room-make-title' } });
  const name = h('input', { class: 'field__input field__input--plain', id: 'room-name', maxLength: 64, autocomplete: 'off', autocapitalize: 'none', spellcheck: false, data: { testid: 'room-make-name' } });
  const error = h('p', { class: 'field__error', role: 'alert', data: { testid: 'room-make-error' } });
  const form = h(
    'form',
    { class: 'rooms__make', on: { submit }, data: { testid: 'room-make-form' } },
    h('h3', { class: 'rooms__heading', data: { t: 'room.make.title' } }),
    h('div', { class: 'field' }, h('label', { class: 'field__label', htmlFor: 'room-title', data: { t: 'room.make.called' } }), title),
    h('div', { class: 'field' }, h('label', { class: 'field__label', htmlFor: 'room-name', data: { t: 'room.make.name' } }), name),
    error,
    h('button', { type: 'submit', class: 'button', data: { t: 'room.make', testid: 'room-make' } }),
  );
  const root = h('section', { class: 'rooms' }, list, form);
  const rows = new Map();
  /** The name that is wanted, until the room is there. */
  let wanted = null;
  let named = false;

  // As long as nobody has given it a name of its own, the title makes one.
  name.addEventListener('input', () => (named = name.value !== ''));
  title.addEventListener('input', () => {
    if (!named) name.value = addressFrom(title.value);
  });

  function submit(event) {
    event.preventDefault();
    const address = addressFrom(name.value || title.value);
    if (address === '') return (name.value === '' ? title : name).focus();
    text(error, '');
    wanted = address;
    acts.makeRoom({ name: address, ...(title.value.trim() === '' ? {} : { title: title.value.trim() }) });
  }

  function row(room) {
    const what = h('span', { class: 'option__title' });
    const people = h('span', { class: 'option__note' });
    const link = h('a', { class: 'option rooms__link', href: pathOf(room.name), data: { testid: 'room-link', room: room.name } }, icon('door'), h('span', { class: 'option__text' }, what, people), icon('check'));
    const close = sureButton({ testid: 'room-close', press: () => acts.closeRoom(room.name) });
    return { what, people, link, close, root: h('li', { class: 'rooms__row' }, link, close.root) };
  }

  return {
    root,
    /** A refusal of what was asked here. @returns {boolean} whether it was */
    refused(code, t) {
      if (wanted === null || !['bad_name', 'room_full'].includes(code)) return false;
      wanted = null;
      text(error, t(`room.make.${code}`));
      name.focus();
      return true;
    },
    render(state, t) {
      const { rooms, name: here, inside } = state.room;
      if (rooms.map((each) => each.name).join('/') !== [...rows.keys()].join('/')) {
        const kept = new Map(rows);
        rows.clear();
        for (const room of rooms) rows.set(room.name, kept.get(room.name) ?? row(room));
        list.replaceChildren(...[...rows.values()].map((each) => each.root));
      }
      const isAdmin = state.role === 'admin';
      for (const room of rooms) {
        const { what, people, link, close } = rows.get(room.name);
        text(what, room.title);
        // How many are in the others is not told when it changes.
        const count = state.room.people.length;
        const isHere = room.name === here && inside;
        text(people, isHere ? t(count === 1 ? 'room.rooms.one' : 'room.rooms.count', { count }) : pathOf(room.name));
        attribute(link, 'aria-current', room.name === here ? 'page' : null);
        close.root.hidden = !isAdmin || room.name === MAIN;
        close.render({ once: t('room.close'), sure: t('room.close.sure'), name: room.title });
      }
      list.hidden = rooms.length === 0;
      form.hidden = !isAdmin || state.phase !== 'connected';
      if (wanted !== null && rooms.some((each) => each.name === wanted)) {
        wanted = null;
        named = false;
        title.value = '';
        name.value = '';
      }
    },
  };
}

/** A name as it stands in an address, from what people call a room. */
export function addressFrom(words) {
  const plain = words.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const name = plain.replace(/[^a-z0-9_-]+/g, '-').replace(/^[-_]+|[-_]+$/g, '');
  // It begins with a letter.
  return (/^[0-9]/.test(name) ? `room-${name}` : name).slice(0, 32);
}
