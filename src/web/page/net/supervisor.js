/**
 * Keeps a session alive: asks who may watch, starts sessions, and after a loss starts the next.
 * The one place that decides to try again. Touches no part of the page.
 */

import { returnDelay } from './fallback.js';
import { delayAfterBye, probeMs, retryDelay, SETTLED_MS } from './retry.js';
import { startTrial } from './trial.js';

/** Between two questions whether the daemon is there. */
const PROBE_PAUSE_MS = 300;
/** A question about access that has been on its way for so long may be asked again. */
const STUCK_MS = 500;
/** So long the session of the pictures goes on after WebRTC is back: until its picture is shown. */
const RETIRES_MS = 1500;

/** What a session tells beside its state, its doubts and its end. */
const TOLD = [
  'welcome', 'tracks', 'track', 'source', 'sources', 'rendition', 'admin', 'room', 'channel', 'refused',
  'picture', 'sound', 'participant',
];

/**
 * What a person is told.
 * @typedef {object} Status
 * @property {'connecting' | 'connected' | 'reconnecting' | 'signed-out' | 'ended' | 'failed'} phase
 * @property {string | null} cause a word that the page translates
 * @property {string} message a sentence of the daemon's, or empty
 * @property {number} attempt how many attempts in a row have failed
 * @property {number | null} retryAt when the next attempt is made, on the timers' clock
 */

/**
 * What a person is told while pictures come by the WebSocket.
 * @typedef {object} ByPictures
 * @property {'blocked' | 'lost' | 'absent'} why there is no WebRTC: it never stood, or it broke, or this
 *   browser has none
 * @property {boolean} trying whether WebRTC is being tried
 * @property {number | null} retryAt when it is tried next, on the timers' clock
 */

/**
 * @param {object} options
 * @param {{enter: (deadlineMs?: number) => Promise<object>}} options.access
 * @param {(on: object, mode: 'webrtc' | 'pictures' | 'absent' | 'trial') => object} options.startSession
 *   takes the session's handlers
 * @param {boolean} [options.webrtc] whether this browser has it
 * @param {() => boolean} [options.hidden] whether nobody sees the page
 * @param {(how: ByPictures | null, alone: boolean) => void} [options.onPictures] `alone`: no connection is left beside them
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => number} options.random
 * @param {(status: Status) => void} options.onStatus
 * @param {(session: object) => void} options.onAccess who may watch, whenever it was asked
 * @param {object} options.on the session's other handlers
 */
export function createSupervisor({
  access,
  startSession,
  timers,
  random,
  webrtc = true,
  hidden = () => false,
  onStatus,
  onAccess,
  onPictures = () => {},
  on,
}) {
  let session = null;
  let retryTimer = null;
  /** When the attempt that is still asking for access began. */
  let enteringAt = null;
  /** The turn whose session is being asked after. */
  let probed = null;
  let connectedAt = null;
  /** Whether media was ever here: a first attempt connects, a later one reconnects. */
  let wasConnected = false;
  let attempt = 0;
  /** Why the last session ended, where the daemon said so. */
  let goodbye = null;
  /** While pictures come by the WebSocket, also over the end of a session: `ByPictures`; else null. */
  let byPictures = null;
  /** Whether the session that runs has no media connection, nor hopes for one. */
  let alone = false;
  /** An attempt at WebRTC beside it. */
  let trial = null;
  let trialTimer = null;
  let trials = 0;
  /** A session that has been replaced, and is left in a moment. */
  let retiring = null;
  /** Rises with each attempt, so that what an older one still says is not heard. */
  let turn = 0;

  function tell(phase, cause = null, message = '', retryAt = null) {
    onStatus({ phase, cause, message, attempt, retryAt });
  }

  const trying = () => (wasConnected || attempt > 0 ? 'reconnecting' : 'connecting');

  function halt() {
    turn += 1;
    connectedAt = null;
    enteringAt = null;
    timers.clearTimeout(retryTimer);
    retryTimer = null;
    const old = session;
    session = null;
    alone = false;
    trial?.leave();
    trial = null;
    retiring?.();
    // The next one is made of all that there is.
    if (byPictures === null) forgetTrials();
    return old;
  }

  function tellPictures(more) {
    byPictures = more === null ? null : { ...byPictures, ...more };
    onPictures(byPictures, alone);
  }

  function forgetTrials() {
    timers.clearTimeout(trialTimer);
    trialTimer = null;
    trials = 0;
  }

  /** No more pictures, nor plans because of them. */
  function forgetPictures() {
    forgetTrials();
    if (byPictures !== null) tellPictures(null);
  }

  function planTrial() {
    trials += 1;
    timers.clearTimeout(trialTimer);
    const delay = returnDelay(trials, random);
    trialTimer = timers.setTimeout(tryWebRtc, delay);
    tellPictures({ trying: false, retryAt: timers.now() + delay });
  }

  /** Tries WebRTC beside the pictures, which go on until its media flows. */
  function tryWebRtc() {
    if (!alone) return;
    timers.clearTimeout(trialTimer);
    trialTimer = null;
    // Nobody looks: when somebody does, it is tried at once.
    if (!webrtc || session === null || hidden()) return;
    tellPictures({ trying: true, retryAt: null });
    tryBeside(planTrial);
  }

  /** The session cannot have all that there is: one beside it takes its place when its media flows. */
  function renew() {
    timers.clearTimeout(trialTimer);
    trialTimer = null;
    if (session === null) return;
    tryBeside(() => {
      trials += 1;
      trialTimer = timers.setTimeout(renew, returnDelay(trials, random));
    });
  }

  /** @param {() => void} failed */
  function tryBeside(failed) {
    trial?.leave();
    const mine = startTrial({
      startSession: (handlers) => startSession(handlers, 'trial'),
      names: ['state', 'pictures', 'lacking', ...TOLD],
      onFlows: replace,
      onFailed() {
        if (trial !== mine) return;
        trial = null;
        failed();
      },
    });
    trial = mine;
  }

  /** The session makes way for another one, which has what it could not have. */
  function replace(next, hear) {
    const old = session;
    trial = null;
    turn += 1;
    session = next;
    alone = false;
    connectedAt = timers.now();
    forgetPictures();
    hear(handlers());
    // Its pictures cover the time until the first of the new ones is shown; and what the room has to say
    // by the new one is said before it is left.
    const timer = timers.setTimeout(() => retiring?.(), RETIRES_MS);
    retiring = () => {
      timers.clearTimeout(timer);
      retiring = null;
      old.leave();
    };
  }

  function pictured(how) {
    if (how === null) {
      forgetPictures();
      return;
    }
    const why = byPictures?.why ?? how.why ?? 'lost';
    alone = how.alone;
    tellPictures({ why, trying: byPictures?.trying ?? !how.alone, retryAt: byPictures?.retryAt ?? null });
    if (!alone || !webrtc || trial !== null || trialTimer !== null) return;
    // A way that was there a moment ago may be there again; one that never was is waited for.
    if (why === 'lost' && trials === 0) tryWebRtc();
    else planTrial();
  }

  /** Leaves the session, if there is one, and forgets every plan. */
  function drop() {
    const old = halt();
    if (old === null) return;
    old.leave();
    on.end?.({ kind: 'left' });
  }

  function rest(phase, cause, message) {
    halt();
    attempt = 0;
    wasConnected = false;
    goodbye = null;
    forgetPictures();
    tell(phase, cause, message);
  }

  function retry(cause, message, askedMs = null) {
    if (connectedAt !== null && timers.now() - connectedAt >= SETTLED_MS) attempt = 0;
    attempt += 1;
    const delay = askedMs === null ? retryDelay(attempt, random) : delayAfterBye(askedMs, random);
    halt();
    tell('reconnecting', cause, message, timers.now() + delay);
    retryTimer = timers.setTimeout(begin, delay);
  }

  function ended(how) {
    on.end?.(how);
    goodbye = how.reason ?? null;
    switch (how.kind) {
      case 'bye':
        if (how.retryMs === null) rest('ended', how.reason, how.message);
        else retry(how.reason, how.message, how.retryMs);
        break;
      case 'impossible':
        rest('failed', how.code, how.message);
        break;
      default:
        retry(how.why, how.message ?? '');
    }
  }

  async function begin() {
    halt();
    const mine = turn;
    enteringAt = timers.now();
    tell(trying());
    let entry;
    try {
      entry = await access.enter(attempt === 0 ? undefined : probeMs(attempt));
    } catch {
      if (mine === turn) retry('unreachable', '');
      return;
    }
    if (mine !== turn) return;
    enteringAt = null;
    open(entry);
  }

  /**
   * The session hears nothing. That may be the daemon, the network, or this connection alone, whose
   * other end has gone with an address: only then is another one better. So ask by another way, and
   * leave the session alone until that brings an answer; it may mend, too.
   */
  async function probe() {
    if (probed === turn) return;
    const mine = turn;
    probed = mine;
    for (let times = 1; mine === turn && session.doubtful; times += 1) {
      try {
        const entry = await access.enter(probeMs(times));
        if (mine !== turn || !session.doubtful) break;
        halt().leave();
        on.end?.({ kind: 'lost', why: 'silent' });
        tell('reconnecting', 'silent');
        open(entry);
        break;
      } catch {
        await new Promise((resolve) => timers.setTimeout(resolve, PROBE_PAUSE_MS));
      }
    }
    if (probed === mine) probed = null;
  }

  function open(entry) {
    onAccess(entry);
    if (!entry.authorized) {
      const revoked = goodbye === 'revoked' ? goodbye : null;
      rest('signed-out', entry.refusal?.code ?? revoked, entry.refusal?.message ?? '');
      return;
    }
    const mode = byPictures === null ? 'webrtc' : 'pictures';
    session = startSession(handlers(), webrtc ? mode : 'absent');
  }

  /** What the session of this turn tells. */
  function handlers() {
    const mine = turn;
    const heard = (handler) => (...values) => {
      if (mine === turn) handler?.(...values);
    };
    return {
      ...Object.fromEntries(TOLD.map((name) => [name, heard(on[name])])),
      // Of a session that has been replaced, too, until it is left.
      picture: (...values) => {
        if (mine === turn || (retiring !== null && mine === turn - 1)) on.picture?.(...values);
      },
      doubt: heard(() => void probe()),
      lacking: heard(renew),
      pictures: heard(pictured),
      state: heard((state) => {
        if (state === 'connected') {
          wasConnected = true;
          connectedAt ??= timers.now();
          tell('connected');
        } else if (state === 'interrupted') tell('reconnecting', 'interrupted');
        on.state?.(state);
      }),
      end: heard(ended),
    };
  }

  return {
    /** Begins, or begins again after a rest. */
    start() {
      if (session === null) void begin();
    },
    /** Begins at once, whatever is under way: a person asked. */
    retry() {
      drop();
      forgetPictures();
      void begin();
    },
    /** Tries WebRTC now, beside the pictures: a person asked. */
    tryWebRtc,
    /** The network is back or another (`changed`), or the page is seen again: look at once. */
    wake(changed = false) {
      // What was asked over a network that has gone gets no answer.
      const stuck = enteringAt !== null && timers.now() - enteringAt >= STUCK_MS;
      if (session !== null) {
        session.hurry(changed);
        if (changed || (trial === null && trialTimer === null)) tryWebRtc();
      } else if (retryTimer !== null || stuck) void begin();
    },
    /** Ends it, and stays ended. */
    stop(phase = 'ended', cause = 'left') {
      drop();
      rest(phase, cause, '');
    },
    /** Ends it because the page goes away; `start` begins again if the page comes back. */
    suspend: drop,
    get session() {
      return session;
    },
  };
}
