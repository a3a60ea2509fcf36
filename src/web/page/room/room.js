/**
 * The room: who is in it, what was said, and how its people reach one another. Knows the messages of
 * docs/protocol.md, neither the document nor how messages travel.
 *
 * For all who build on it (calls, files):
 *
 *     room.me                    Participant | null: this page's own; null before it is in the room, and out of it
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
 * Participant: {id, name, colour, mayTalk, call, camera, microphone, screen, deaf, hand, away, pictures},
 * frozen; a change makes a new one.
 */

import { createTalk } from './talk.js';
import { DOES, limitsFrom, MAIN, participantFrom, REFUSALS, roomsFrom } from './told.js';

/** Refusals after which one is not in the room. */
const KEPT_OUT = new Set(['unknown_room', 'room_full']);
/** Causes that a room which is there again does away with. */
const NOT_THERE = new Set(['unknown_room', 'closed']);
/** Coming in was too much at once: once more after so long. */
const ENTER_AGAIN_MS = 1500;
/** By WebSocket points count as messages: 15 a second is the pace to keep to. */
const POINT_MS = 80;

/**
 * @param {object} options
 * @param {string} options.name of the room: `main`, or that of /r/NAME
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => string} options.newId for a message: unlike every other
 */
export function createRoom({ name, timers, newId }) {
  const listeners = new Map();
  const people = new Map();
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
  /** The way by data channel: see channel.js. */
  let way = null;
  let entering = false;
  let enterTimer = null;
  let inside = false;
  /** When it was last pointed by the WebSocket, and what does so again. */
  let pointedMs = -Infinity;
  let pointTimer = null;
  const talk = createTalk({
    timers,
    newId,
    send: (message) => send(message, 'room'),
    onSaid: (said, { own }) => emit('said', said, { own: own || said.from === me?.id }),
  });

  function emit(event, ...values) {
    for (const listener of [...(listeners.get(event) ?? [])]) listener(...values);
  }
  const changed = () => emit('change');

  /** @param {'room' | 'socket'} label by which channel, where that is open */
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
      ...(secret === null ? {} : { resume: secret, since: talk.last }),
    });
    changed();
  }

  function pointBySocket(place) {
    const wait = place === null ? 0 : pointedMs + POINT_MS - timers.now();
    if (wait > 0) {
      pointTimer = timers.setTimeout(() => pointBySocket(place), wait);
      return;
    }
    pointedMs = timers.now();
    socket?.({ type: 'point', ...(place ?? {}) });
  }

  function outside() {
    inside = false;
    entering = false;
    timers.clearTimeout(pointTimer);
    timers.clearTimeout(enterTimer);
    enterTimer = null;
    talk.outside();
  }

  function stayOut(code, message) {
    outside();
    people.clear();
    me = null;
    secret = null;
    cause = code;
    // One of that name that is made later is another.
    if (code === 'closed') talk.forget();
    emit('out', { code, message });
    changed();
  }

  function put(participant) {
    people.set(participant.id, participant);
    if (participant.id === me?.id) me = participant;
  }

  function tellPresence() {
    if (inside) send({ type: 'presence', ...Object.fromEntries(DOES.map((each) => [each, does[each] === true])) });
  }

  const hears = {
    room(message) {
      const resumed = message.resume === secret && message.me === me?.id;
      const before = new Map(people);
      outside();
      inside = true;
      ({ title = '', resume: secret = null } = message);
      mayTalk = message.may_talk !== false;
      limits = limitsFrom(message.limits);
      if (message.rooms) rooms = roomsFrom(message.rooms);
      people.clear();
      for (const each of message.participants) people.set(each.id, participantFrom(each));
      me = people.get(message.me) ?? null;
      emit('entered', { resumed });
      talk.entered(message.history, resumed);
      if (resumed) {
        for (const each of people.values()) if (!before.has(each.id)) emit('arrived', each);
        for (const each of before.values()) if (!people.has(each.id)) emit('left', each, 'left');
      }
      if (Object.values(does).some(Boolean)) tellPresence();
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
      talk.said(message);
      changed();
    },
    history(message) {
      talk.history(message);
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
      if (NOT_THERE.has(cause) && rooms.some((each) => each.name === name)) enter();
    },
    room_over({ reason, message = '' }) {
      stayOut(reason || 'closed', message);
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

    on(event, listener) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(listener);
      return () => listeners.get(event).delete(listener);
    },

    signal(to, body) {
      if (inside) send({ type: 'signal', to, body });
    },
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
      const isSome = talk.say(text);
      changed();
      return isSome;
    },
    /** Gives up what the room did not take. @returns {string} what it was */
    unsay(id) {
      const text = talk.unsay(id);
      changed();
      return text;
    },
    /** Points at a place of a source's picture, 0 to 1; without one: no more. */
    point(place = null) {
      if (!inside) return;
      timers.clearTimeout(pointTimer);
      if (!way?.send({ type: 'point', ...(place ?? {}) }, { label: 'pointer' })) pointBySocket(place);
    },
    /** Under which name to be here; null leaves it to the daemon. */
    rename(next) {
      ownName = next;
      if (inside && next !== null && next !== me?.name) send({ type: 'rename', name: next }, 'room');
    },
    makeRoom: (room) => send({ type: 'make_room', ...room }),
    closeRoom: (room) => send({ type: 'close_room', name: room }),

    // How it is joined to the rest.

    /** A session begins: its `welcome`, and the way by WebSocket. */
    connected(welcome, sendBySocket) {
      socket = sendBySocket;
      rooms = roomsFrom(welcome.rooms);
      if (rooms.some((each) => each.name === name)) enter();
      else if (rooms.length > 0 || name !== MAIN) stayOut('unknown_room', '');
      else changed();
    },
    /** The session is over. */
    disconnected() {
      const was = inside;
      outside();
      socket = null;
      if (was) emit('lost');
      changed();
    },
    /** Somebody else may use the page now: nothing of this one stays. */
    forget() {
      outside();
      people.clear();
      rooms = [];
      [me, secret, cause, does] = [null, null, null, {}];
      talk.forget();
      changed();
    },
    /** Another way for messages, beside the WebSocket: {send(message, {label})}, which says whether it took it. */
    transport(next) {
      way = next;
    },
    /** The way carries what it did not before, or no more. */
    wayChanged: () => talk.wayChanged(),
    /** Asks once more, after it was full, or taken over. */
    enter,

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
        // A name that was stored is one no more.
        ownName = null;
        enter();
      } else if (entering && code === 'too_fast') {
        enterTimer ??= timers.setTimeout(() => {
          enterTimer = null;
          enter();
        }, ENTER_AGAIN_MS);
        return true;
      } else if (code === 'not_in_room') {
        if (inside) enter();
        return true;
      }
      if (talk.refused(code)) return true;
      if (code === 'call_full') does = { ...does, call: false };
      emit('refused', { code, message });
      changed();
      return true;
    },

    /** All that is to be seen, as it is now. */
    get snapshot() {
      const here = rooms.length > 0 || cause !== null;
      const { messages, pending } = talk;
      return Object.freeze({ name, title, here, inside, cause, me, mayTalk, limits, rooms, people: [...people.values()], messages, pending });
    },
  };
}
