/**
 * The call of a room: whether this page takes part, with whom it is connected, what it sends and what
 * comes of each. Knows neither the document nor how signals travel.
 */

import { LOOK_MS, receivedLevel, Speaking } from './levels.js';
import { encodingFor, giveEncoding, shownFrom } from './quality.js';
import { SLOTS } from './tracks.js';

/** How long the room may take to let one in. */
const JOIN_MS = 8000;
/** The pictures: what can be fitted to how they are shown. */
const PICTURES = ['camera', 'screen'];

/**
 * @param {object} options
 * @param {object} options.room of room/room.js
 * @param {object} options.pairs of pairs.js
 * @param {object} options.devices of devices.js
 * @param {object} options.meter of levels.js
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => number} options.wallNow ms since 1970, with fractions
 * @param {object} options.on
 * @param {() => void} options.on.change anything is another
 * @param {(id: number, level: number, speaks: boolean) => void} options.on.level ten times a second, for each
 * @param {(problem: string) => void} options.on.over the call has ended, and not by this person: `full`,
 *   `may_not_talk`, `no_answer`, `out`
 */
export function createCall({ room, pairs, devices, meter, timers, wallNow, on }) {
  /** 'out', 'joining' (the room is being asked), 'in'. */
  let phase = 'out';
  let muted = false;
  let deaf = false;
  /** The key of push-to-talk is held. */
  let talking = false;
  let joinTimer = null;
  let levelTimer = null;
  /** The others that this page is connected with, or is connecting to, by id. */
  const links = new Map();
  const speaking = new Map();
  let settingsDue = false;

  const live = () => devices.track('microphone') !== null && (!muted || talking);

  function tellRoom() {
    room.presence({
      call: phase !== 'out',
      camera: phase !== 'out' && devices.track('camera') !== null,
      microphone: phase !== 'out' && live(),
      screen: phase !== 'out' && devices.track('screen') !== null,
      deaf: phase !== 'out' && deaf,
    });
  }

  /** What goes out to everybody, and whether it is heard. */
  function send() {
    const microphone = devices.track('microphone');
    if (microphone !== null) microphone.enabled = phase === 'out' || live();
    for (const id of links.keys()) {
      for (const { slot } of SLOTS) pairs.with(id).setTrack(slot, devices.track(slot));
    }
    fitSoon();
  }

  // With whom.

  function link(id) {
    const pair = pairs.with(id);
    links.set(id, { tracks: new Map(), shown: null, told: '' });
    pair.hold('call');
    for (const { slot } of SLOTS) pair.setTrack(slot, devices.track(slot));
    pair.openTracks();
  }

  function unlink(id, isGone = false) {
    if (!links.delete(id)) return;
    speaking.delete(id);
    if (isGone) return;
    const pair = pairs.with(id);
    pair.closeTracks();
    pair.release('call');
  }

  /** Brings the connections to what the room says of who is in the call. */
  function mesh() {
    const { me } = room;
    if (phase === 'joining' && me?.call) entered();
    const wanted = new Set();
    if (phase === 'in' && me?.call) {
      for (const { id, call } of room.participants) if (call && id !== me.id) wanted.add(id);
    }
    for (const id of [...links.keys()]) if (!wanted.has(id)) unlink(id, room.participant(id) === null);
    for (const id of wanted) if (!links.has(id)) link(id);
  }

  function entered() {
    timers.clearTimeout(joinTimer);
    phase = 'in';
    send();
    listen();
  }

  function end(problem) {
    if (phase === 'out') return;
    leave();
    on.over(problem);
  }

  function leave() {
    timers.clearTimeout(joinTimer);
    timers.clearTimeout(levelTimer);
    levelTimer = null;
    phase = 'out';
    talking = false;
    deaf = false;
    // First the room: then the others know that it is meant.
    tellRoom();
    for (const id of [...links.keys()]) unlink(id);
    speaking.clear();
    meter.use(null);
    devices.closeAll();
    on.change();
  }

  // Who speaks.

  function listen() {
    if (levelTimer === null) levelTimer = timers.setTimeout(look, LOOK_MS);
  }

  function look() {
    levelTimer = null;
    if (phase !== 'in') return;
    meter.use(devices.track('microphone'));
    const now = timers.now();
    const measure = (id, level) => {
      if (!speaking.has(id)) speaking.set(id, new Speaking());
      on.level(id, level, speaking.get(id).add(level, now));
    };
    if (room.me !== null) measure(room.me.id, live() ? meter.level() : 0);
    for (const id of links.keys()) {
      const heard = room.participant(id)?.microphone === true;
      measure(id, heard ? receivedLevel(pairs.with(id).receiver('microphone'), wallNow()) : 0);
    }
    levelTimer = timers.setTimeout(look, LOOK_MS);
  }

  // How much is sent to whom.

  function fitSoon() {
    if (settingsDue) return;
    settingsDue = true;
    queueMicrotask(() => {
      settingsDue = false;
      fit();
    });
  }

  function fit() {
    for (const [id, { shown }] of links) {
      for (const what of PICTURES) {
        const track = devices.track(what);
        const sender = pairs.with(id).sender(what);
        if (track === null || sender === null) continue;
        const { width = 0, height = 0 } = track.getSettings();
        const encoding = encodingFor({ what, captured: { width, height }, shown: shown?.[what] ?? null, people: links.size + 1 });
        void giveEncoding(sender, encoding);
      }
    }
  }

  // What is heard of the rest.

  for (const event of ['arrived', 'changed']) {
    room.on(event, () => {
      mesh();
      on.change();
    });
  }
  room.on('left', ({ id }) => {
    unlink(id, true);
    mesh();
    on.change();
  });
  room.on('entered', ({ resumed }) => {
    if (!resumed) for (const id of [...links.keys()]) unlink(id, true);
    mesh();
    on.change();
  });
  room.on('lost', () => on.change());
  room.on('out', () => {
    for (const id of [...links.keys()]) unlink(id, true);
    end('out');
  });
  room.on('refused', ({ code }) => {
    if (code === 'call_full') end('full');
    else if (code === 'may_not_talk' && phase === 'joining') end(code);
  });

  pairs.on('state', (id, state) => {
    if (!links.has(id)) return;
    if (state === 'connected') fitSoon();
    on.change();
  });
  pairs.on('track', (id, slot, track) => {
    const known = links.get(id);
    if (known === undefined) return;
    known.tracks.set(slot, track);
    on.change();
  });
  pairs.on('said', (id, text) => {
    const known = links.get(id);
    const shown = shownFrom(text);
    if (known === undefined || shown === null) return;
    known.shown = shown;
    fitSoon();
  });
  pairs.on('reset', (id, why) => {
    const known = links.get(id);
    if (known === undefined) return;
    known.tracks.clear();
    known.shown = null;
    // It has left, or is about to say so; where it comes back, the room tells.
    if (why === 'bye') unlink(id);
    on.change();
  });

  return {
    get phase() {
      return phase;
    },
    get muted() {
      return muted;
    },
    get deaf() {
      return deaf;
    },
    get talking() {
      return talking;
    },
    /** Whether others hear this page. */
    get live() {
      return phase === 'in' && live();
    },

    /** The others in the call: what comes of each, and how the connection is. */
    get others() {
      return [...links].map(([id, { tracks }]) => ({ id, tracks, state: pairs.with(id).state }));
    },

    /** Takes part, with what is open of the devices. */
    join() {
      if (phase !== 'out' || !room.inside) return;
      phase = 'joining';
      // What was muted in another call is no wish for this one: the microphone that was just shown is meant.
      muted = false;
      deaf = false;
      joinTimer = timers.setTimeout(() => end('no_answer'), JOIN_MS);
      send();
      tellRoom();
      mesh();
      on.change();
    },

    /** Stops every track and closes every connection of the call. */
    leave() {
      if (phase !== 'out') leave();
    },

    /** The devices are others: tracks came, went, or were changed. */
    devicesChanged() {
      if (phase !== 'out') {
        send();
        tellRoom();
      }
      on.change();
    },

    /** Silences the microphone, or asks for it where there is none. */
    async setMuted(next) {
      muted = next;
      if (!next && devices.track('microphone') === null) await devices.open(['microphone']);
      this.devicesChanged();
    },

    /** Push-to-talk: heard for as long as it is held. */
    talk(is) {
      if (phase !== 'in' || talking === is || (is && (!muted || devices.track('microphone') === null))) return;
      talking = is;
      this.devicesChanged();
    },

    setDeaf(next) {
      deaf = next;
      this.devicesChanged();
    },

    async setCamera(is) {
      if (is) await devices.open(['camera']);
      else devices.close('camera');
    },

    async setScreen(is) {
      if (!is) devices.close('screen');
      else await devices.openScreen();
    },

    /**
     * How this page shows another's pictures, in device pixels; zero where it does not.
     * @param {number} id
     * @param {{camera: {width: number, height: number}, screen: {width: number, height: number}}} sizes
     */
    showing(id, sizes) {
      const known = links.get(id);
      if (known === undefined) return;
      const told = JSON.stringify(sizes);
      if (told === known.told) return;
      known.told = told;
      pairs.with(id).say(told);
    },
  };
}
