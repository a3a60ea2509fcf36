/**
 * The connection with one participant, browser to browser: perfect negotiation (W3C webrtc-pc
 * section 10.7), ICE restarts, the tracks of a call, data channels. Knows nothing of the page, nor of
 * how signals travel, nor who is in a call.
 *
 * A pair lives as long as the other participant is in the room. Its `RTCPeerConnection` is made when
 * something is to go over it, closed when nobody here holds it, and made anew when the other side has
 * begun anew.
 */

import { createNegotiation } from './negotiation.js';
import { createTracks } from './tracks.js';

/** `disconnected` mends by itself when a few packets were lost; after this long it is helped. */
const DISCONNECTED_MS = 2500;
/** Between two restarts at first, and at most. */
const RESTART_MS = 3000;
const RESTART_MAX_MS = 15_000;
/** A connection that has not come about by then has something in its way. */
const UNREACHABLE_MS = 12_000;
/** No page counts so far; who says so would have this side count beyond what a session has room for. */
const EPOCH_MAX = 1e9;
/** The pair's own channel, and the most that is read of one message. */
const CHANNEL = 'pair';
const SAID_MOST = 1024;

/**
 * - `idle`: there is no connection, and none is being made
 * - `connecting`: being made for the first time
 * - `connected`
 * - `interrupted`: it stood, and is being mended
 * - `unreachable`: it has not come about, or not come back, for long; it is still being tried
 * @typedef {'idle' | 'connecting' | 'connected' | 'interrupted' | 'unreachable'} PairState
 */

/**
 * @param {object} options
 * @param {boolean} options.polite gives way when both offer at once: who has the larger id
 * @param {() => RTCIceServer[]} options.iceServers
 * @param {(body: object) => void} options.send a signal's body, to the other participant
 * @param {typeof RTCPeerConnection} options.RTCPeerConnection
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {string} options.page names this page: made anew at each load, at most 12 of `[a-z0-9]`
 * @param {(connection: RTCPeerConnection) => ((from: 'browser' | 'peer', message: object) => void)} [options.inspect]
 *   looks on at each connection, and at its signals
 * @param {object} options.on
 * @param {(state: PairState) => void} [options.on.state]
 * @param {(slot: string, track: MediaStreamTrack, receiver: RTCRtpReceiver) => void} [options.on.track]
 *   what the other sends in that slot of `SLOTS`; told again for another connection
 * @param {(channel: RTCDataChannel) => void} [options.on.channel] the other has made one
 * @param {(text: string) => void} [options.on.said] what the other has said by `say`
 * @param {(why: 'bye' | 'renewed') => void} [options.on.reset] the connection was closed by the other
 *   side, with all its channels, or is another one now
 */
export function createPair({ polite, iceServers, send, RTCPeerConnection, timers, page, inspect = () => () => {}, on }) {
  /** Who needs the connection here: it is closed when the last one lets go. */
  const holders = new Set();
  const tracks = createTracks({ maker: !polite });
  /** Counts the connections of this pair; the larger number is the later connection, on both sides. */
  let epoch = 0;
  /** The last one that was closed on purpose, by either side: what is still said of it is too late. */
  let gone = 0;
  /** The other page, once it has been heard. */
  let other = '';
  /** What was said last on the pair's own channel: said again on another connection. */
  let words = null;
  /** The connection, its negotiation and its own channel; null where there is none. */
  let link = null;
  let stood = false;
  /** How the other side has ended a connection, until it is told. */
  let ended = null;
  let state = 'idle';
  let restartTimer = null;
  let restartDelay = RESTART_MS;
  let lateTimer = null;

  function tell(next) {
    if (next === state) return;
    state = next;
    on.state?.(next);
  }

  /** Names the connection and both pages, so that what was meant for an earlier one is not taken. */
  const session = () => `${epoch.toString(36)}-${page}-${other}`;

  function stopTimers() {
    timers.clearTimeout(restartTimer);
    timers.clearTimeout(lateTimer);
    restartTimer = null;
    lateTimer = null;
  }

  /** Lets go of the connection; the other side is not told. */
  function drop() {
    stopTimers();
    if (link === null) return;
    const { connection, negotiation } = link;
    link = null;
    tracks.detach();
    negotiation.stop();
    connection.close();
  }

  function open() {
    const connection = new RTCPeerConnection({ iceServers: iceServers(), bundlePolicy: 'max-bundle' });
    const mine = () => link?.connection === connection;
    const negotiation = createNegotiation({
      connection,
      polite,
      timers,
      send(body) {
        if (!mine()) return;
        link.note('browser', messageOf(body));
        send({ ...body, session: session() });
      },
      beforeAnswer: () => mine() && tracks.adopt(connection),
    });
    link = { connection, negotiation, channel: null, note: inspect(connection) };
    stood = false;
    restartDelay = RESTART_MS;
    connection.addEventListener('connectionstatechange', () => mine() && moved(connection.connectionState));
    connection.addEventListener('datachannel', ({ channel }) => mine() && on.channel?.(channel));
    connection.addEventListener('track', ({ transceiver, track, receiver }) => {
      const slot = mine() ? tracks.slotOf(connection, transceiver) : null;
      if (slot !== null) on.track?.(slot, track, receiver);
    });
    // On both sides, so that the m-line of data channels is there from the first: see negotiation.js.
    link.channel = connection.createDataChannel(CHANNEL, { negotiated: true, id: 0 });
    link.channel.addEventListener('open', () => mine() && sayLast());
    link.channel.addEventListener('message', ({ data }) => {
      if (mine() && typeof data === 'string' && data.length <= SAID_MOST) on.said?.(data);
    });
    watch();
    tell('connecting');
    tracks.attach(connection);
  }

  /** Says what was to be said last, when there is a way. */
  function sayLast() {
    if (words !== null && link?.channel.readyState === 'open') link.channel.send(words);
  }

  /** Tells the other side which connection counts here, and which page this is. */
  function tellNumber() {
    epoch = Math.max(epoch, gone + 1);
    send({ kind: 'description', description_type: 'rollback', sdp: '', session: session() });
  }

  /** Opens a connection, where there is none, that is later than any before. */
  function need() {
    if (link !== null) return link.connection;
    epoch = Math.max(epoch, gone) + 1;
    open();
    link.negotiation.request();
    return link.connection;
  }

  function watch() {
    lateTimer ??= timers.setTimeout(() => {
      lateTimer = null;
      tell('unreachable');
    }, UNREACHABLE_MS);
  }

  function moved(now) {
    if (now === 'connected') {
      stood = true;
      stopTimers();
      restartDelay = RESTART_MS;
      tell('connected');
    } else if (now === 'disconnected') {
      tell('interrupted');
      watch();
      restartTimer ??= timers.setTimeout(restart, DISCONNECTED_MS);
    } else if (now === 'failed') {
      if (state !== 'unreachable') tell(stood ? 'interrupted' : 'connecting');
      watch();
      timers.clearTimeout(restartTimer);
      restart();
    }
  }

  /** Restarts ICE, and again, ever more seldom, until the connection stands. */
  function restart() {
    restartTimer = null;
    if (link === null) return;
    setServers();
    link.connection.restartIce();
    restartTimer = timers.setTimeout(restart, restartDelay);
    restartDelay = Math.min(restartDelay * 2, RESTART_MAX_MS);
  }

  /** Credentials of a TURN server may have become others since. */
  function setServers() {
    try {
      link.connection.setConfiguration({ ...link.connection.getConfiguration(), iceServers: iceServers() });
    } catch (error) {
      console.debug('ICE servers passed over:', error.message);
    }
  }

  /** The other side has another connection: so has this one, which takes its number. */
  function renew(theirs) {
    const had = link !== null;
    drop();
    epoch = theirs;
    if (!had) return;
    tell('idle');
    ended = 'renewed';
  }

  /** The number of the connection that a signal is of: -1 for one that is gone, null for none. */
  function placed(body) {
    const [, number, from, to] = /^([0-9a-z]{1,6})-([0-9a-z]{1,12})-([0-9a-z]{0,12})$/.exec(body.session ?? '') ?? [];
    const theirs = parseInt(number, 36);
    if (number === undefined || theirs > EPOCH_MAX) return null;
    // Meant for this page before it was loaded again.
    if (to !== '' && to !== page) return -1;
    if (other !== '' && from !== other) {
      // Its page was loaded again, and has begun to count again.
      other = from;
      gone = 0;
      renew(theirs);
    }
    other = from;
    if (theirs > epoch) renew(theirs);
    return theirs;
  }

  return {
    /** @returns {PairState} */
    get state() {
      return state;
    },

    /** Keeps the connection open until `release`. Opens none by itself. @param {string} holder */
    hold(holder) {
      holders.add(holder);
    },

    /** The holder is done; the last one closes the connection. @param {string} holder */
    release(holder) {
      if (holders.delete(holder) && holders.size === 0) this.close();
    },

    /** A signal's body, as it came from the other participant. */
    signal(body) {
      const theirs = placed(body);
      if (theirs === null) return;
      const { kind, description_type: type } = body;
      if (theirs < epoch || theirs <= gone) {
        // Who offers on a connection that is gone has to hear of the later one; a `bye` tells by itself.
        if (type === 'offer' && (theirs < 0 || link !== null)) tellNumber();
      } else if (kind === 'bye') {
        gone = epoch;
        if (link !== null) {
          drop();
          tell('idle');
          ended = 'bye';
        }
      } else if (type === 'rollback') {
        // The connection with that number is awaited: `placed` has taken the number.
        if (link === null && !polite) open();
      } else {
        if (link === null && type === 'offer') open();
        link?.note('peer', messageOf(body));
        link?.negotiation.take(body);
      }
      // Only now: whoever hears it may ask for channels at once, of the connection that is there.
      const why = ended;
      ended = null;
      if (why !== null) on.reset?.(why);
    },

    /** As `RTCPeerConnection.createDataChannel`; the connection is made if there is none. */
    createChannel(label, options) {
      return need().createDataChannel(label, options);
    },

    /** Says something to the other page; of what is said before there is a way, the last alone. */
    say(text) {
      words = text;
      sayLast();
    },

    /**
     * Both are in a call: the slots for tracks are opened. One side makes them, so that both know which
     * is which: the one that is not polite. The other has its tracks in them once they have come.
     */
    openTracks() {
      tracks.open();
      if (!polite) tracks.attach(need());
      else if (link !== null) tracks.attach(link.connection);
    },

    /** The call is over between the two; the connection may go on for others. */
    closeTracks() {
      tracks.close();
    },

    /**
     * What goes out in that slot from now on, without negotiation; null for nothing.
     * @param {'microphone' | 'camera' | 'screen' | 'sound'} slot
     * @param {MediaStreamTrack | null} track
     */
    setTrack(slot, track) {
      tracks.set(slot, track);
    },

    /** @returns {RTCRtpSender | null} */
    sender: (slot) => tracks.sender(slot),

    /** @returns {RTCRtpReceiver | null} */
    receiver: (slot) => tracks.receiver(slot),

    /** The network is another, or the page has slept: ICE is restarted. */
    networkChanged() {
      if (link === null) return;
      timers.clearTimeout(restartTimer);
      restartDelay = RESTART_MS;
      restart();
      // Where it stands, one restart is all that is wanted.
      if (link.connection.connectionState === 'connected') {
        timers.clearTimeout(restartTimer);
        restartTimer = null;
      }
    },

    /** Signals may have been lost until now: what waits for an answer is said again. */
    signallingBack() {
      if (link === null) return;
      link.negotiation.again();
      if (link.connection.connectionState !== 'connected') this.networkChanged();
    },

    /** @returns {Promise<RTCStatsReport | null>} */
    stats: async () => link?.connection.getStats() ?? null,

    /** Closes the connection, and tells the other side. The pair may be used again. */
    close() {
      holders.clear();
      if (link === null) return;
      send({ kind: 'bye', session: session() });
      gone = epoch;
      drop();
      tell('idle');
    },

    /** The other participant is gone, or this page is: closes without a word. */
    end() {
      holders.clear();
      drop();
      tell('idle');
    },
  };
}

/** A signal in the form of the daemon's own messages. */
function messageOf({ kind, description_type: type, sdp, candidate, sdp_mline_index: mline }) {
  return kind === 'description' ? { type, sdp } : { type: kind, candidate, mline };
}

/** A name for this page among the pages that the other participant has seen. */
export function pageName(random = Math.random) {
  return Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join('');
}
