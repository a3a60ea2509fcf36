/**
 * The room beside the stage: what is said, who is there, which rooms there are. A column where there is
 * width for it, a sheet from below where there is not.
 */

import { pathOf } from '../room/told.js';
import { createChat } from './chat.js';
import { attribute, h, icon, iconButton, text } from './dom.js';
import { createPeople } from './people.js';
import { createRooms } from './rooms.js';

const TABS = ['chat', 'people', 'rooms'];
/** A sheet that is drawn down so far is let go. */
const AWAY_PX = 90;

/** Whether the room is on the page: there is one, and a session that it belongs to. */
export const isHere = (state) => state.room.here && ['connecting', 'connected', 'reconnecting'].includes(state.phase);
/** Whether people stand where pictures would: a meeting without sources. */
export const isMeeting = (state) => isHere(state) && state.sources.length === 0 && state.phase !== 'connecting';
/**
 * Whether it is open. A sheet lies over the pictures: it is opened each time anew. A column is open
 * until somebody says otherwise, where it leaves the pictures their room.
 */
export const isOpen = (state) => isHere(state) && (state.narrow ? state.sheet : state.roomOpen ?? state.roomy);

/**
 * @param {HTMLElement} root
 * @param {object} acts what a person can do in the room
 * @param {Function[]} peopleActions see `createPeople`
 * @param {{root: HTMLElement, attach: HTMLElement, render: Function}} [files] what is on its way, and the button that sends
 */
export function createRoomPanel(root, acts, peopleActions, files) {
  const parts = { chat: createChat(acts, files === undefined ? [] : [files.attach]), people: createPeople(acts, peopleActions), rooms: createRooms(acts) };
  const title = h('h2', { class: 'panel__title', id: 'panel-title', data: { testid: 'room-title' } });
  const grip = h('span', { class: 'panel__grip', 'aria-hidden': 'true' });
  const head = h('header', { class: 'panel__head' }, grip, title, iconButton('close', { label: 'room.hide', testid: 'room-hide', on: { click: () => acts.toggle(false) } }));
  const counts = {};
  const tabs = TABS.map((key) => {
    counts[key] = h('span', { class: 'tab__count', hidden: true });
    return h(
      'button',
      { type: 'button', class: 'tab', role: 'tab', id: `tab-${key}`, 'aria-controls': `part-${key}`, data: { testid: `room-tab-${key}` }, on: { click: () => acts.tab(key) } },
      h('span', { data: { t: `room.${key}` } }),
      counts[key],
    );
  });
  const bodies = TABS.map((key) => h('div', { class: 'panel__part', role: 'tabpanel', id: `part-${key}`, 'aria-labelledby': `tab-${key}`, hidden: true }, parts[key].root));
  const tablist = h('div', { class: 'tabs', role: 'tablist', data: { tLabel: 'room.parts' }, on: { keydown: step } }, ...tabs);
  const out = createOut(acts);
  root.setAttribute('aria-labelledby', title.id);
  root.append(head, out.root, tablist, ...(files === undefined ? [] : [files.root]), ...bodies);

  // The page's own keys: arrows scroll here, and change no volume.
  root.addEventListener('keydown', (event) => {
    if (event.key.startsWith('Arrow')) event.stopPropagation();
  });
  drawDown(root, head, () => acts.toggle(false));

  let state = null;

  function step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const shown = tabs.filter((tab) => !tab.hidden);
    if (by === undefined) return;
    event.preventDefault();
    const next = shown[(shown.indexOf(event.target.closest('[role="tab"]')) + by + shown.length) % shown.length];
    next?.focus();
    next?.click();
  }

  return {
    /** The keyboard goes in: to where one writes, but on a phone, whose own keyboard would cover all. */
    focus() {
      if (state.room.inside && state.roomTab === 'chat' && !matchMedia('(pointer: coarse)').matches) parts.chat.focus();
      else tabs.find((tab) => tab.getAttribute('aria-selected') === 'true')?.focus();
    },
    forget: () => parts.chat.forget(),
    /** A refusal of what was asked here. @returns {boolean} whether it was */
    refused: (code, t) => parts.rooms.refused(code, t),

    render(next, t) {
      state = next;
      const open = isOpen(state);
      const wasHidden = root.hidden;
      root.hidden = !open;
      attribute(document.documentElement, 'data-room', isHere(state) ? (open ? 'open' : 'closed') : 'none');
      if (!open) return;
      const { room } = state;
      const kept = room.cause !== null;
      text(title, kept ? t('room.rooms') : room.title || t('room.title'));
      // A meeting says it where its people would be.
      out.render(state, t, { hidden: isMeeting(state) });
      files?.render(state, t);
      const hasRooms = room.rooms.length > 1 || state.role === 'admin';
      const able = { chat: !kept, people: !kept, rooms: hasRooms || kept };
      const chosen = able[state.roomTab] ? state.roomTab : kept ? 'rooms' : 'chat';
      tablist.hidden = kept;
      TABS.forEach((key, index) => {
        tabs[index].hidden = !able[key];
        attribute(tabs[index], 'aria-selected', String(key === chosen));
        tabs[index].tabIndex = key === chosen ? 0 : -1;
        bodies[index].hidden = key !== chosen;
      });
      text(counts.people, String(room.people.length));
      counts.people.hidden = room.people.length === 0;
      text(counts.chat, String(state.unread));
      counts.chat.hidden = state.unread === 0 || chosen === 'chat';
      attribute(counts.chat, 'data-new', 'true');
      // What is not to be seen is drawn when it is.
      parts[chosen].render(state, t);
      if (chosen === 'chat' && (wasHidden || root.dataset.part !== 'chat')) parts.chat.toEnd();
      root.dataset.part = chosen;
    },
  };
}

/** Why this page is not in its room, and the way out. */
export function createOut(acts) {
  const shape = icon('door');
  const title = h('p', { class: 'out__title' });
  const body = h('p', { class: 'out__body' });
  const again = h('button', { type: 'button', class: 'button button--primary', data: { testid: 'room-again' }, on: { click: acts.enter } });
  const home = h('a', { class: 'button button--primary', data: { testid: 'room-home' } });
  const root = h('div', { class: 'out', role: 'status', hidden: true, data: { testid: 'room-out' } }, h('span', { class: 'out__mark' }, shape), title, body, again, home);
  return {
    root,
    render(state, t, { hidden = false } = {}) {
      const { cause, name, rooms } = state.room;
      root.hidden = cause === null || hidden;
      if (root.hidden) return;
      const key = ['unknown_room', 'room_full', 'closed', 'taken_over'].includes(cause) ? cause : 'other';
      const none = key === 'unknown_room' && rooms.length === 0;
      text(title, t(none ? 'room.out.none.title' : `room.out.${key}.title`, { name }));
      text(body, t(none ? 'room.out.none' : `room.out.${key}`));
      again.hidden = !['room_full', 'taken_over', 'other'].includes(key);
      text(again, t(key === 'taken_over' ? 'room.out.here' : 'room.out.again'));
      // Where there are others, their list is below.
      const first = none ? null : rooms.find((each) => each.name !== name);
      home.hidden = first === undefined || !again.hidden;
      attribute(home, 'href', none ? '/' : pathOf(first?.name ?? 'main'));
      text(home, none ? t('room.out.to_page') : t('room.out.to', { title: first?.title ?? '' }));
    },
  };
}

/** Lets a sheet be drawn down by its head until it is away. */
function drawDown(root, head, away) {
  let from = null;
  const move = (y) => root.style.setProperty('--drawn', `${Math.max(0, y)}px`);
  head.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' || event.target.closest('button') !== null) return;
    from = event.clientY;
    head.setPointerCapture(event.pointerId);
  });
  head.addEventListener('pointermove', ({ clientY }) => from !== null && move(clientY - from));
  for (const type of ['pointerup', 'pointercancel']) {
    head.addEventListener(type, ({ clientY }) => {
      const far = from !== null && type === 'pointerup' && clientY - from > AWAY_PX;
      from = null;
      move(0);
      if (far) away();
    });
  }
}
