/**
 * Who is in the room: a list, with what each does; one's own name can be changed where it stands.
 */

import { LONGEST_NAME, nameFrom, ordered } from '../room/people.js';
import { createAvatar } from './avatar.js';
import { attribute, h, icon, iconButton, label, text } from './dom.js';

/** What is shown of what somebody does: its icon, and the key of its word. */
const BADGES = [
  ['hand', 'hand', 'room.does.hand'],
  ['screen', 'screen', 'room.does.screen'],
  ['camera', 'camera', 'room.does.camera'],
  ['microphone', 'audio', 'room.does.microphone'],
  ['deaf', 'silent', 'room.does.deaf'],
];

/**
 * @param {object} acts what a person can do in the room
 * @param {((participant: object, t: Function) => Element | null)[]} [peopleActions] more for each of the others' rows:
 *   called at each drawing, and given the same element again is best
 */
export function createPeople(acts, peopleActions = []) {
  const count = h('p', { class: 'people__count', data: { testid: 'people-count' } });
  const list = h('ul', { class: 'people__list', data: { tLabel: 'room.people', testid: 'people' } });
  const root = h('section', { class: 'people' }, count, list);
  const rows = new Map();
  let editing = null;

  function row() {
    const avatar = createAvatar();
    const name = h('bdi', { class: 'person__name' });
    const you = h('span', { class: 'person__you' });
    const note = h('span', { class: 'person__note' });
    const badges = BADGES.map(([does, shape]) => ({ does, root: h('span', { class: 'person__badge', role: 'img', hidden: true, data: { does } }, icon(shape)) }));
    const edit = iconButton('pencil', { testid: 'name-edit', class: 'person__edit', on: { click: () => begin() } });
    const more = h('span', { class: 'person__more' });
    const line = h('div', { class: 'person__line' }, h('span', { class: 'person__text' }, h('span', { class: 'person__who' }, name, you), note), h('span', { class: 'person__badges' }, ...badges.map(({ root: badge }) => badge)), more);
    const element = h('li', { class: 'person', data: { testid: 'person-row' } }, avatar.root, line);
    let form = null;

    function begin() {
      const input = h('input', { class: 'person__input', maxLength: LONGEST_NAME * 2, autocomplete: 'nickname', data: { tLabel: 'room.name', testid: 'name-input' }, value: name.textContent });
      form = h(
        'form',
        {
          class: 'person__form',
          on: {
            submit: (event) => {
              event.preventDefault();
              const next = nameFrom(input.value);
              if (next === null) return input.focus();
              acts.rename(next);
              end();
            },
            keydown: (event) => {
              if (event.key !== 'Escape' || event.isComposing || event.keyCode === 229) return;
              event.preventDefault();
              event.stopPropagation();
              end();
            },
            // Safari gives a pressed button no focus: the form would be away before the click.
            mousedown: (event) => event.target !== input && event.preventDefault(),
            focusout: ({ relatedTarget }) => form !== null && !form.contains(relatedTarget) && end(false),
          },
        },
        input,
        iconButton('check', { label: 'room.name.save', testid: 'name-save', type: 'submit' }),
        iconButton('close', { label: 'room.name.cancel', testid: 'name-cancel', on: { click: () => end() } }),
      );
      line.hidden = true;
      element.append(form);
      editing = form;
      acts.redraw();
      input.focus();
      input.select();
    }
    function end(returnFocus = true) {
      const old = form;
      form = null;
      editing = null;
      old?.remove();
      line.hidden = false;
      if (returnFocus) edit.focus();
    }

    return {
      element,
      render(person, { me, t }) {
        avatar.render(person);
        const own = person.id === me?.id;
        attribute(element, 'data-participant', person.id);
        attribute(element, 'data-own', String(own));
        attribute(element, 'data-away', String(person.away));
        attribute(element, 'data-colour', person.colour);
        text(name, person.name);
        text(you, own ? t('room.is_you') : '');
        text(note, person.away ? t('room.away') : person.call ? t('room.in_call') : '');
        badges.forEach(({ does, root: badge }, index) => {
          badge.hidden = !person[does];
          const words = t(BADGES[index][2]);
          attribute(badge, 'aria-label', words);
          attribute(badge, 'title', words);
        });
        if (own && edit.parentElement === null) line.append(edit);
        else if (!own) edit.remove();
        label(edit, t('room.name.edit'));
        const extra = own ? [] : peopleActions.map((make) => make(person, t)).filter((each) => each !== null);
        const same = extra.length === more.childNodes.length && extra.every((each, at) => each === more.childNodes[at]);
        if (!same) more.replaceChildren(...extra);
      },
    };
  }

  return {
    root,
    render(state, t) {
      const { people, me, limits } = state.room;
      const sorted = ordered(people, me);
      text(count, t(people.length === 1 ? 'room.count.one' : 'room.count', { count: people.length, most: limits.people }));
      for (const [id, { element }] of rows) {
        if (people.some((each) => each.id === id)) continue;
        element.remove();
        rows.delete(id);
      }
      sorted.forEach((person, index) => {
        if (!rows.has(person.id)) rows.set(person.id, row());
        const { element, render } = rows.get(person.id);
        render(person, { me, t });
        // Only what is out of its place is moved: a moved element loses the focus.
        if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
      });
      attribute(root, 'data-editing', editing !== null);
    },
  };
}
