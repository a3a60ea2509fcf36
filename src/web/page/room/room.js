/**
 * The room: who is in it, what was said, and how its people reach one another. Knows the messages of
 * docs/protocol.md, neither the document nor how messages travel.
 *
 * For all who build on it (calls, files):
 *
 *     room.me                    Participant | null: this page's own; null while it is not in the room
 *     room.participants          Participant[]: all of them with `me`, in the order of their coming
 *     room.participant(id)       Participant | null
 *     room.limits                {people, calls, filesMib}
 *     room.name, room.title, room.inside, room.mayTalk
 *     room.signal(to, body)      to one other; `body` as in docs/protocol.md. Lost while not inside
 *     room.presence({camera})    what this participant does, the named parts alone: told to all at
 *                                once, and again after a reconnect
 *     room.on(event, listener)   returns the way to stop:
 *       'entered'  ({resumed})           in the room. `resumed`: still the same participant, so what
 *                                        stands between two browsers may go on; otherwise every id is
 *                                        another and all of it is to be begun anew
 *       'lost'     ()                    the connection is away, and may be back: see 'entered'
 *       'out'      ({code, message})     not in the room, and not by itself again
 *       'arrived'  (participant)
 *       'changed'  (participant, before) also of `me`
 *       'left'     (participant, reason) `left`, `lost`, `ended`
 *       'said'     (said, {own})         once each, in order; not what history brought
 *       'signal'   ({from, body})        of a participant that is known
 *       'pointed'  ({from, source, x, y}) `source` null: no more
 *       'refused'  ({code, message})     something was refused; `call_full` has taken back `call`
 *       'change'   ()                    any of it is another, the messages too
 *
 * Participant: {id, name, colour, call, camera, microphone, screen, deaf, hand, away, pictures},
 * frozen; a change makes a new one.
 */

import { Log, saidFrom } from './log.js';

/** A gap in the messages usually closes by itself; after so long it is asked for, and again. */
const GAP_MS = 400;
const GAP_AGAIN_MS = 2000;
/** What was refused as too fast is said again after so long. */
const TOO_FAST_MS = 1200;

export const DOES = ['call', 'camera', 'microphone', 'screen', 'deaf', 'hand'];
/** Refusals that are the room's. */
const REFUSALS = new Set([
  'unknown_room', 'room_full', 'bad_name', 'not_in_room', 'may_not_talk', 'call_full', 'unknown_participant',
  'too_fast', 'bad_text',
]);
const KEPT_OUT = new Set(['unknown_room', 'room_full']);

function participantFrom(told) {
  const { id, name, colour } = told;
  const participant = { id, name: String(name ?? ''), colour: Number.isInteger(colour) ? colour : 0 };
  for (const each of [...DOES, 'away', 'pictures']) participant[each] = told[each] === true;
  return Object.freeze(participant);
}

const roomsFrom = (rooms) =>
  (Array.isArray(rooms) ? rooms : []).map(({ name, title, people }) => ({ name, title: title || name, people: people ?? 0 }));

const limitsFrom = ({ people = 0, calls = 0, files_mib: filesMib = 0 } = {}) => ({ people, calls, filesMib });

/**
 * @param {object} options
 * @param {string} options.name of the room: `main`, or that of /r/NAME
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => string} options.newId for a message: unlike every other
 */
export function createRoom({ name, timers, newId }) {
  const listeners = new Map();
  const log = new Log();
  const people = new Map();
  /** What this page has said and not yet heard itself say: {id, text, failed}. */
  let pending = [];
  let me = null;
  let secret = null;
  let title = '';
  let mayTalk = true;
  let limits = limitsFrom();
  let rooms = [];
  /** Why it is not in the room, where it was told. */
  let cause = null;
  let ownName = null;
  let does = {};
  /** The WebSocket's `send`, while there is a session. */
  let socket = null;
  /** The way by data channel, while there is one: see channel.js. */
  let way = null;
  let entering = false;
  let inside = false;
  /** All that the room knows is asked for, and the answer will be it. */
  let restarting = false;
  let gapTimer = null;
  let fastTimer = null;

  function emit(event, ...values) {
    for (const listener of [...(listeners.get(event) ?? [])]) listener(...values);
  }
  const changed = () => emit('change');

  /** @param {'room' | 'pointer' | 'socket'} label by which channel, where it is open */
  function send(message, label = 'socket') {
    if (label !== 'socket' && way?.send(message, { label })) return;
    socket?.(message);
  }

  function enter() {
    if (socket === null) return;
    entering = true;
    cause = null;
    send({
      type: 'enter',
      room: name,
      ...(ownName === null ? {} : { name: ownName }),
      ...(secret === null ? {} : { resume: secret, since: log.last }),
    });
    changed();
  }

  function outside() {
    inside = false;
    entering = false;
    restarting = false;
    timers.clearTimeout(gapTimer);
    timers.clearTimeout(fastTimer);
    gapTimer = null;
    fastTimer = null;
  }

  function stayOut(code, message) {
    outside();
    people.clear();
    me = null;
    secret = null;
    cause = code;
    emit('out', { code, message });
    changed();
  }

  // What was said

  function said(fresh, live) {
    if (fresh.length === 0) return;
    const mine = new Set(pending.map(({ id }) => id));
    pending = pending.filter(({ id }) => !fresh.some((each) => each.id === id));
    for (const each of live ? fresh : []) emit('said', each, { own: mine.has(each.id) || each.from === me?.id });
  }

  const speak = ({ id, text }) => send({ type: 'say', id, text }, 'room');
  const unsaid = () => pending.filter(({ failed }) => !failed);

  function catchUp(since = log.last) {
    send({ type: 'catch_up', since }, 'room');
  }

  function watchGap(ms = GAP_MS) {
    if (!log.gap || !inside) {
      timers.clearTimeout(gapTimer);
      gapTimer = null;
    } else {
      gapTimer ??= timers.setTimeout(() => {
        gapTimer = null;
        if (!log.gap) return;
        catchUp();
        watchGap(GAP_AGAIN_MS);
      }, ms);
    }
  }

  /** What is on its way by the way that was may be lost with it. */
  function wayChanged() {
    if (!inside) return;
    catchUp(restarting ? 0 : log.last);
    unsaid().forEach(speak);
  }

  const historyFrom = (messages) => (Array.isArray(messages) ? messages : []).map((each) => saidFrom(each)).filter((each) => each !== null);

  // Who is there

  function put(participant) {
    people.set(participant.id, participant);
    if (participant.id === me?.id) me = participant;
  }

  function tellPresence() {
    if (!inside) return;
    const all = Object.fromEntries(DOES.map((each) => [each, does[each] === true]));
    send({ type: 'presence', ...all });
  }

  const hears = {
    room(message) {
      const resumed = secret !== null && message.resume === secret && message.me === me?.id;
      const before = new Map(people);
      outside();
      inside = true;
      ({ title = '', resume: secret = null } = message);
      mayTalk = message.may_talk !== false;
      limits = limitsFrom(message.limits);
      if (message.rooms) rooms = roomsFrom(message.rooms);
      people.clear();
      me = null;
      for (const each of message.participants) people.set(each.id, participantFrom(each));
      me = people.get(message.me) ?? null;
      // Without the same participant it is not sure that the numbers are the same room's.
      const asked = before.size > 0 || log.last > 0;
      restarting = asked && !resumed;
      if (!restarting) said(log.fill(historyFrom(message.history)), asked);
      emit('entered', { resumed });
      for (const each of people.values()) if (resumed && !before.has(each.id)) emit('arrived', each);
      for (const each of before.values()) if (resumed && !people.has(each.id)) emit('left', each, 'left');
      if (Object.values(does).some(Boolean)) tellPresence();
      if (restarting) catchUp(0);
      else unsaid().forEach(speak);
      watchGap();
      changed();
    },
    arrived({ participant }) {
      const known = people.has(participant.id);
      put(participantFrom(participant));
      if (!known) emit('arrived', people.get(participant.id));
      changed();
    },
    changed({ participant }) {
      const before = people.get(participant.id);
      put(participantFrom(participant));
      if (before === undefined) emit('arrived', people.get(participant.id));
      else emit('changed', people.get(participant.id), before);
      changed();
    },
    left({ participant: id, reason }) {
      const gone = people.get(id);
      if (gone === undefined || id === me?.id) return;
      people.delete(id);
      emit('left', gone, reason);
      changed();
    },
    said(message) {
      const one = saidFrom(message);
      // Before all of it is known its numbers mean nothing; the answer brings it.
      if (one === null || restarting) return;
      said(log.add(one), true);
      watchGap();
      changed();
    },
    history({ messages }) {
      const history = historyFrom(messages);
      if (restarting) {
        restarting = false;
        said(log.restart(history), true);
        unsaid().forEach(speak);
      } else said(log.fill(history), true);
      watchGap();
      changed();
    },
    pointed({ from, source = null, x = 0, y = 0 }) {
      if (people.has(from)) emit('pointed', { from, source, x, y });
    },
    signal({ from, body }) {
      if (people.has(from)) emit('signal', { from, body });
    },
    rooms(message) {
      rooms = roomsFrom(message.rooms);
      changed();
      // It has been made, or has a place: nobody has to ask again.
      if (cause === 'unknown_room' && rooms.some((each) => each.name === name)) enter();
    },
    room_over({ reason, message }) {
      stayOut(reason || 'closed', message ?? '');
    },
  };

  return {
    name,
    get title() {
      return title;
    },
    get me() {
      return me;
    },
    get participants() {
      return [...people.values()];
    },
    participant: (id) => people.get(id) ?? null,
    get limits() {
      return limits;
    },
    get mayTalk() {
      return mayTalk;
    },
    get inside() {
      return inside;
    },
    get rooms() {
      return rooms;
    },

    on(event, listener) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(listener);
      return () => listeners.get(event).delete(listener);
    },

    signal: (to, body) => inside && send({ type: 'signal', to, body }),
    presence(parts) {
      const next = { ...does, ...parts };
      if (DOES.every((each) => (next[each] === true) === (does[each] === true))) return;
      does = next;
      tellPresence();
    },

    /**
     * Says something; it is among `pending` until the room has heard it.
     * @returns {boolean} whether there was something to say
     */
    say(text) {
      if (text.trim() === '') return false;
      const one = { id: newId(), text, failed: null };
      pending = [...pending, one];
      // While all is being asked for, it waits: it must not be said by two participants.
      if (inside && !restarting) speak(one);
      changed();
      return true;
    },
    /** Gives up what the room did not take. @returns {string} what it was */
    unsay(id) {
      const one = pending.find((each) => each.id === id);
      pending = pending.filter((each) => each !== one);
      changed();
      return one?.text ?? '';
    },

    /** Points at a place of a source's picture, 0 to 1; without one: no more. */
    point(place = null) {
      if (inside) send({ type: 'point', ...(place ?? {}) }, 'pointer');
    },

    /** Under which name to enter; told at once where it is in the room. Null leaves it to the daemon. */
    rename(next) {
      ownName = next;
      if (inside && next !== null && next !== me?.name) send({ type: 'rename', name: next }, 'room');
    },
    makeRoom: (room) => send({ type: 'make_room', ...room }),
    closeRoom: (room) => send({ type: 'close_room', name: room }),

    // How it is joined to the rest: app.js

    /** A session begins: its `welcome`, and the way by WebSocket. */
    connected(welcome, sendBySocket) {
      socket = sendBySocket;
      rooms = roomsFrom(welcome.rooms);
      if (rooms.some((each) => each.name === name)) enter();
      // There are no rooms, and none is asked for.
      else if (rooms.length > 0 || name !== 'main') stayOut('unknown_room', '');
      else changed();
    },
    /** The session is over. */
    disconnected() {
      const was = inside;
      outside();
      socket = null;
      way = null;
      if (was) emit('lost');
      changed();
    },
    /** Another way for messages: {send(message, {label}) → whether it took it}; null: the WebSocket's. */
    transport(next) {
      if (way === next) return;
      way = next;
      wayChanged();
    },
    /** The way is the same object, but carries what it did not before, or no more. */
    transportChanged: wayChanged,
    /** Asks once more, after it was full. */
    again: enter,

    /** A message of the daemon's, by whatever way. @returns {boolean} whether it is the room's */
    hear(message) {
      if (!Object.hasOwn(hears, message.type)) return false;
      // What an older session still says by another way is not this one's.
      if (inside || ['room', 'rooms'].includes(message.type)) hears[message.type](message);
      return true;
    },
    /** A refusal. @returns {boolean} whether it is the room's */
    refused(code, message) {
      if (!REFUSALS.has(code)) return false;
      if (entering && KEPT_OUT.has(code)) {
        stayOut(code, message);
        return true;
      }
      if (entering && code === 'bad_name') {
        // A name from before is not one any more.
        ownName = null;
        enter();
      }
      if (code === 'not_in_room' && inside && !entering) enter();
      if (code === 'too_fast' && unsaid().length > 0) {
        fastTimer ??= timers.setTimeout(() => {
          fastTimer = null;
          unsaid().forEach(speak);
        }, TOO_FAST_MS);
        return true;
      }
      if (['may_not_talk', 'bad_text'].includes(code)) {
        const first = unsaid()[0];
        pending = pending.map((each) => (each === first ? { ...each, failed: code } : each));
        changed();
      }
      if (code === 'call_full') does = { ...does, call: false };
      emit('refused', { code, message });
      return true;
    },

    /** All that is to be seen, as it is now. */
    get snapshot() {
      return Object.freeze({
        name,
        title,
        here: rooms.length > 0 || cause !== null,
        inside,
        cause,
        me,
        mayTalk,
        limits,
        rooms,
        people: [...people.values()],
        messages: log.messages,
        pending,
      });
    },
  };
}

/** The name of the room whose page is at a path. */
export function roomOf(path) {
  const name = /^\/r\/([^/]+)\/?$/.exec(path)?.[1];
  if (name === undefined) return 'main';
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Where a room's page is. */
export const pathOf = (name) => (name === 'main' ? '/' : `/r/${encodeURIComponent(name)}`);

/** A message's id, also where the page is not in a secure context, which has no `randomUUID`. */
export function newId(crypto = globalThis.crypto) {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
