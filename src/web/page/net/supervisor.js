/**
 * Keeps a session alive: asks who may watch, starts sessions, and after a loss starts the next.
 * The one place that decides to try again. Touches no part of the page.
 */

import { delayAfterBye, retryDelay, SETTLED_MS } from './retry.js';

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
 * @param {object} options
 * @param {{enter: () => Promise<object>}} options.access
 * @param {(on: object) => object} options.startSession takes the session's handlers
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => number} options.random
 * @param {(status: Status) => void} options.onStatus
 * @param {(session: object) => void} options.onAccess who may watch, whenever it was asked
 * @param {object} options.on the session's other handlers
 */
export function createSupervisor({ access, startSession, timers, random, onStatus, onAccess, on }) {
  let session = null;
  let retryTimer = null;
  let connectedAt = null;
  /** Whether media was ever here: a first attempt connects, a later one reconnects. */
  let wasConnected = false;
  let attempt = 0;
  /** Rises with each attempt, so that what an older one still says is not heard. */
  let turn = 0;

  function tell(phase, cause = null, message = '', retryAt = null) {
    onStatus({ phase, cause, message, attempt, retryAt });
  }

  const trying = () => (wasConnected || attempt > 0 ? 'reconnecting' : 'connecting');

  function halt() {
    turn += 1;
    connectedAt = null;
    timers.clearTimeout(retryTimer);
    retryTimer = null;
    const old = session;
    session = null;
    return old;
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
    tell(trying());
    let entry;
    try {
      entry = await access.enter();
    } catch {
      if (mine === turn) retry('unreachable', '');
      return;
    }
    if (mine !== turn) return;
    onAccess(entry);
    if (!entry.authorized) {
      rest('signed-out', entry.refusal?.code ?? null, entry.refusal?.message ?? '');
      return;
    }
    const heard = (handler) => (...values) => {
      if (mine === turn) handler?.(...values);
    };
    session = startSession({
      welcome: heard(on.welcome),
      tracks: heard(on.tracks),
      track: heard(on.track),
      source: heard(on.source),
      rendition: heard(on.rendition),
      refused: heard(on.refused),
      state: heard((state) => {
        if (state === 'connected') {
          wasConnected = true;
          connectedAt ??= timers.now();
          tell('connected');
        } else if (state === 'interrupted') tell('reconnecting', 'interrupted');
        on.state?.(state);
      }),
      end: heard(ended),
    });
  }

  return {
    /** Begins, or begins again after a rest. */
    start() {
      if (session === null) void begin();
    },
    /** Begins at once, whatever is under way: a person asked. */
    retry() {
      drop();
      void begin();
    },
    /** The network is back, or the page is seen again: look at once. */
    wake() {
      if (session !== null) session.hurry();
      else if (retryTimer !== null) void begin();
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
