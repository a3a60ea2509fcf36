/**
 * Keeps a session alive: asks who may watch, starts sessions, and after a loss starts the next.
 * The one place that decides to try again. Touches no part of the page.
 */

import { delayAfterBye, probeMs, retryDelay, SETTLED_MS } from './retry.js';

/** Between two questions whether the daemon is there. */
const PROBE_PAUSE_MS = 300;
/** A question about access that has been on its way for so long may be asked again. */
const STUCK_MS = 500;

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
 * @param {{enter: (deadlineMs?: number) => Promise<object>}} options.access
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
    goodbye = null;
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
    const mine = turn;
    onAccess(entry);
    if (!entry.authorized) {
      const revoked = goodbye === 'revoked' ? goodbye : null;
      rest('signed-out', entry.refusal?.code ?? revoked, entry.refusal?.message ?? '');
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
      admin: heard(on.admin),
      room: heard(on.room),
      channel: heard(on.channel),
      doubt: heard(() => void probe()),
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
    /** The network is back or another (`changed`), or the page is seen again: look at once. */
    wake(changed = false) {
      // What was asked over a network that has gone gets no answer.
      const stuck = enteringAt !== null && timers.now() - enteringAt >= STUCK_MS;
      if (session !== null) session.hurry(changed);
      else if (retryTimer !== null || stuck) void begin();
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
