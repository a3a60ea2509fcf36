/**
 * When pictures by the WebSocket take the place of WebRTC, and when WebRTC is tried again. Decides when,
 * not how; knows no message. Time is an argument.
 */

/**
 * A connection that does not stand so long after the offer is not waited for in the dark. It may still come
 * about: with TURN by TLS over a slow network it takes about as long.
 */
const LATE_MS = 3000;
/** A connection that was interrupted, of which the person has been told, is given so long. */
const HEDGE_MS = 1200;
/** Where there is no connection any more, pictures have to come within this. */
const GRACE_MS = 3000;
/** While pictures come, media has to have been seen to come so often before they end: not one late packet. */
const STEADY = 3;
/** An attempt that is made beside the pictures may take so long. */
export const TRIAL_MS = 8000;

/** Waits before the attempts to come back to WebRTC: the last one again and again. */
const RETURNS_MS = [15_000, 30_000, 60_000];

/**
 * How long to wait before WebRTC is tried again.
 * @param {number} attempt 1 for the first
 * @param {() => number} random 0 to 1
 * @returns {number} milliseconds
 */
export function returnDelay(attempt, random) {
  const full = RETURNS_MS[Math.min(Math.max(1, attempt), RETURNS_MS.length) - 1];
  return full * (0.85 + random() * 0.3);
}

/**
 * The changes of one session, from WebRTC to pictures and back.
 *
 *     webrtc -> asked -> pictures -> webrtc
 *
 * While pictures are asked for, the connection may still come about or mend.
 *
 * @param {object} options
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => boolean} options.able whether pictures may be asked for
 * @param {object} options.on
 * @param {(why: 'blocked' | 'lost') => void} options.on.ask ask for pictures
 * @param {(why: 'blocked' | 'lost') => void} options.on.pictures the first one has come
 * @param {() => void} options.on.webrtc media flows again: no more pictures
 * @param {() => void} options.on.alone there is no media connection to hope for; the session goes on
 * @param {() => void} options.on.lost nor are there pictures
 */
export function createChangeover({ timers, able, on }) {
  let state = 'webrtc';
  /** Whether media has ever flowed: it is lost then, and otherwise blocked. */
  let flowed = false;
  /** Whether there is a media connection, or the hope of one. */
  let hope = true;
  let timer = null;
  let askedAt = 0;
  let times = 0;

  const why = () => (flowed ? 'lost' : 'blocked');

  function wait(ms, then) {
    timers.clearTimeout(timer);
    timer = timers.setTimeout(() => {
      timer = null;
      then();
    }, ms);
  }

  function calm() {
    timers.clearTimeout(timer);
    timer = null;
  }

  function ask() {
    calm();
    if (state !== 'webrtc' || !able()) return;
    state = 'asked';
    askedAt = timers.now();
    times = 0;
    on.ask(why());
  }

  return {
    /** @returns {'webrtc' | 'asked' | 'pictures'} */
    get state() {
      return state;
    },
    /** Whether there is a media connection, or may still be one. */
    get hope() {
      return hope;
    },
    /** The daemon's offer has come. */
    offered() {
      if (state === 'webrtc') wait(LATE_MS, ask);
    },
    /** ICE and DTLS stand, for all that the browser knows. */
    stands() {
      if (state === 'webrtc') calm();
    },
    /** Media stands still, and a person has been told. */
    interrupted() {
      if (state === 'webrtc' && hope) wait(HEDGE_MS, ask);
    },
    /** Media has come since the last look; or none is to come, on a connection that stands (`sure`). */
    flows(sure = false) {
      if (!hope) return;
      flowed = true;
      if (state === 'webrtc') {
        calm();
        return;
      }
      times += 1;
      if (times < STEADY && !sure) return;
      calm();
      state = 'webrtc';
      on.webrtc();
    },
    /** Something has come by the WebSocket. */
    came() {
      if (state !== 'asked') return;
      calm();
      state = 'pictures';
      on.pictures(why());
      if (!hope) on.alone();
    },
    /** The media connection is given up, or was never to be. */
    hopeless() {
      if (!hope) return;
      hope = false;
      if (state === 'pictures') {
        on.alone();
        return;
      }
      ask();
      if (state === 'asked') wait(Math.max(0, askedAt + GRACE_MS - timers.now()), on.lost);
    },
    stop() {
      calm();
      hope = false;
    },
  };
}
