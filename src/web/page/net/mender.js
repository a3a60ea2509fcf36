/**
 * Has the media connection of one session mended: notices that media stands still or that the
 * network is another, and asks for an ICE restart. Decides when, not how; knows no message.
 */

import { countersOf, Pulse } from './pulse.js';

/** How often to look whether media comes. */
const LOOK_MS = 250;
/** A look that is late by more than this: the page, or the whole machine, has slept. */
const SLEPT_MS = 5000;
/** A restart may take this long before anybody is told of an interruption. */
const QUIET_MS = 700;
/** How long a broken media connection may take to mend. */
const MEND_MS = 5000;
/** No two restarts are closer than this; without success the next one follows then. */
const APART_MS = 1500;

/**
 * @param {object} options
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => Promise<object | null>} options.stats an `RTCStatsReport`
 * @param {() => boolean} options.expected whether media should be coming
 * @param {object} options.on
 * @param {() => void} options.on.doubt media is late: is the daemon there at all?
 * @param {() => void} options.on.restart ask for an ICE restart
 * @param {(state: 'connected' | 'interrupted') => void} options.on.state what a person is told
 * @param {() => void} options.on.came media has come since the last look
 * @param {() => void} options.on.lost it does not mend
 */
export function createMender({ timers, stats, expected, on }) {
  const pulse = new Pulse();
  /** The media connection stands, for all the browser knows. */
  let stands = false;
  let over = false;
  let lookTimer = null;
  let lookedAt = null;
  let doubted = false;
  /** It came, and has been missed only once since. */
  let armed = false;
  let askedAt = -Infinity;
  let tellTimer = null;
  let lostTimer = null;
  let told = null;

  function tell(state) {
    if (state === told) return;
    told = state;
    on.state(state);
  }

  const mending = () => lostTimer !== null;

  function mended() {
    timers.clearTimeout(tellTimer);
    timers.clearTimeout(lostTimer);
    tellTimer = null;
    lostTimer = null;
    if (stands) tell('connected');
  }

  /** Asks for a restart; `quietMs`: how long nobody is told. */
  function mend(quietMs) {
    armed = false;
    lostTimer ??= timers.setTimeout(() => over || on.lost(), MEND_MS);
    if (quietMs === 0) tell('interrupted');
    else tellTimer ??= timers.setTimeout(() => over || tell('interrupted'), quietMs);
    ask();
  }

  function ask() {
    if (timers.now() - askedAt < APART_MS) return;
    askedAt = timers.now();
    on.restart();
  }

  function judge(counters) {
    const at = timers.now();
    const passed = lookedAt === null ? 0 : at - lookedAt;
    lookedAt = at;
    const came = pulse.add(counters, at, 2 * LOOK_MS, mending());
    if (passed > SLEPT_MS) on.doubt();
    if (came.media) {
      doubted = false;
      armed = true;
      on.came?.();
    } else if (!expected()) {
      pulse.rest();
      doubted = false;
      armed = false;
    }
    if (mending()) {
      if (stands && (came.media || came.path)) mended();
      else ask();
    }
    if (!armed || !pulse.usual) return;
    if (pulse.quietMs >= pulse.doubtMs && !doubted) {
      doubted = true;
      on.doubt();
    }
    if (pulse.quietMs >= pulse.patienceMs) mend(QUIET_MS);
  }

  async function look() {
    const report = await stats().catch(() => null);
    if (over) return;
    if (report !== null) judge(countersOf(report));
    lookTimer = over ? null : timers.setTimeout(look, LOOK_MS);
  }

  return {
    /** @param {string} state `RTCPeerConnectionState` (webrtc-pc 4.3.3) */
    peer(state) {
      if (over) return;
      if (state === 'connected') {
        stands = true;
        mended();
        if (lookTimer === null && lookedAt === null) lookTimer = timers.setTimeout(look, LOOK_MS);
      } else if (state === 'disconnected') {
        stands = false;
        on.doubt();
        mend(0);
      }
    },

    /** The network is another: addresses may have gone, and better ones may have come. */
    networkChanged() {
      if (!over && (stands || lookedAt !== null)) mend(QUIET_MS);
    },

    /** Whether media should be coming. */
    get expected() {
      return expected();
    },

    /** Whether media has come within the last moments: then the network is there. */
    get flows() {
      return !over && armed && pulse.quietMs < 2 * LOOK_MS;
    },

    stop() {
      over = true;
      timers.clearTimeout(lookTimer);
      timers.clearTimeout(tellTimer);
      timers.clearTimeout(lostTimer);
    },
  };
}
