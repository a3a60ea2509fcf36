/**
 * The room's part of the composition: makes its client, its ways and its views, and joins them to the
 * page. `room/room.js` says what others may build on.
 */

import { createChannels } from './room/channel.js';
import { createComings } from './room/comings.js';
import { inWords } from './room/people.js';
import { createRoom } from './room/room.js';
import { newId, roomOf } from './room/told.js';
import { createFaces } from './ui/faces.js';
import { createPointing } from './ui/pointing.js';
import { createRoomPanel, isHere, isMeeting, isOpen } from './ui/room.js';
import { createRoomTools } from './ui/roomtools.js';

/** So many sentences of who came and who went are kept. */
const MOST_COMINGS = 200;

/** What the store has of the room before there is one. */
export const NO_MEETING = {
  room: createRoom({ name: 'main', timers: null, newId }).snapshot,
  /** Which part of the room's panel is seen; whether it is open where it is a sheet. */
  roomTab: 'chat',
  sheet: false,
  narrow: false,
  /** Whether there is width for the panel and pictures beside it. */
  roomy: true,
  unread: 0,
  /** Who came and who went while this page was there. */
  comings: [],
  /** Whether this page points at pictures. */
  pointing: false,
};

/**
 * @param {object} options
 * @param {object} options.store
 * @param {() => object} options.actions of the page
 * @param {object} options.timers
 * @param {object} options.stage
 * @param {{panel: HTMLElement, faces: HTMLElement}} options.roots
 * @param {(key: string, values?: object) => string} options.words in the page's language
 * @param {Function[]} [options.peopleActions] see `createPeople`
 * @param {object} [options.files] see `createRoomPanel`
 */
export function createMeeting({ store, actions, timers, stage, roots, words, peopleActions = [], files }) {
  const { get, set } = store;
  const room = createRoom({ name: roomOf(location.pathname), timers, newId });
  const channels = createChannels({ message: (message) => room.hear(message), change: () => room.wayChanged() });
  room.transport(channels);
  room.rename(get().roomName);

  const widths = { narrow: matchMedia('(max-width: 719px)'), roomy: matchMedia('(min-width: 900px)') };
  const noteWidth = () => set({ narrow: widths.narrow.matches, roomy: widths.roomy.matches });
  for (const query of Object.values(widths)) query.addEventListener('change', noteWidth);

  const acts = {
    say: (text) => room.say(text),
    unsay: (id) => room.unsay(id),
    rename(name) {
      set({ roomName: name });
      room.rename(name);
    },
    enter: () => room.enter(),
    makeRoom: (wanted) => room.makeRoom(wanted),
    closeRoom: (name) => room.closeRoom(name),
    tab: (roomTab) => set({ roomTab }),
    redraw: () => set({ room: room.snapshot }),
    toggle(open = !isOpen(get())) {
      if (!isHere(get())) return;
      const inside = roots.panel.contains(document.activeElement);
      set(get().narrow ? { sheet: open } : { roomOpen: open });
      // It is drawn when all have heard of it.
      queueMicrotask(() => {
        if (open) panel.focus();
        else if (inside) document.querySelector('[data-testid="room-toggle"]')?.focus();
      });
    },
  };
  const pointing = createPointing({ stage, room, timers, onChange: (on) => set({ pointing: on }) });
  const panel = createRoomPanel(roots.panel, acts, peopleActions, files);
  const tools = createRoomTools(acts, pointing);

  // What is read

  const isRead = () => isOpen(get()) && get().roomTab === 'chat' && !document.hidden && document.hasFocus();
  const read = () => {
    if (get().unread > 0 && isRead()) set({ unread: 0 });
  };
  addEventListener('focus', read);
  document.addEventListener('visibilitychange', read);
  store.subscribe(read);

  // Who comes and goes: told where one reads, otherwise in a word at the edge.

  const comings = createComings({
    timers,
    tell(what) {
      const after = room.snapshot.messages.at(-1)?.key ?? null;
      const timeMs = Date.now();
      const coming = { key: `coming-${timeMs}-${get().comings.length}`, after, timeMs, ...what };
      set({ comings: [...get().comings, coming].slice(-MOST_COMINGS) });
      if (isRead()) return;
      const [kind, names] = what.came.length > 0 ? ['came', what.came] : ['went', what.went];
      const { key, values } = inWords((key, values) => ({ key, values }), kind, names);
      actions().note(key, values, { kind: 'comings' });
    },
  });

  room.on('change', () => set({ room: room.snapshot }));
  room.on('said', (said, { own }) => own || isRead() || set({ unread: get().unread + 1 }));
  room.on('entered', ({ resumed }) => resumed || comings.clear());
  room.on('arrived', (person) => comings.arrived(person));
  room.on('changed', (person) => comings.renamed(person));
  room.on('left', (person) => comings.left(person));
  // The way out stands in the panel, but in a meeting, where it stands in the middle.
  room.on('out', () => set({ sheet: !isMeeting({ ...get(), room: room.snapshot }), roomTab: 'rooms', unread: 0 }));
  room.on('entered', () => get().roomTab === 'rooms' && set({ roomTab: 'chat', sheet: false }));
  room.on('refused', ({ code, message }) => {
    if (panel.refused(code, words)) return;
    if (code === 'bad_name') set({ roomName: null });
    console.warn(`refused (${code}): ${message}`);
    // The call says itself that it is full.
    if (['bad_name', 'may_not_talk', 'bad_text', 'too_fast'].includes(code)) actions().note(`room.refused.${code}`);
  });

  return {
    room,
    tools,
    views: [panel, createFaces(roots.faces, acts), pointing],
    toggle: acts.toggle,
    pointing,
    start: noteWidth,
    /** Whoever uses the page next is called otherwise, and has written nothing. */
    forget() {
      set({ roomName: null });
      room.rename(null);
      panel.forget();
    },
    /** Escape. @returns {boolean} whether something was closed */
    back() {
      if (pointing.on) pointing.stop();
      else if (get().sheet && get().narrow && isOpen(get())) acts.toggle(false);
      else if (roots.panel.contains(document.activeElement)) document.activeElement.blur();
      else return false;
      return true;
    },
    on: {
      welcome: (welcome, send) => room.connected(welcome, send),
      room: (message) => room.hear(message),
      /** A data channel of the daemon's. @returns {boolean} whether it is the room's */
      channel: (channel) => channels.add(channel),
      refused: (code, message) => room.refused(code, message),
      /** The session goes on without the connection that carried them. */
      alone() {
        if (channels.clear()) room.wayChanged();
      },
      end() {
        channels.clear();
        room.disconnected();
      },
      /** Nobody is signed in any more. */
      signedOut() {
        comings.clear();
        room.forget();
        set({ comings: [], unread: 0 });
      },
    },
  };
}
