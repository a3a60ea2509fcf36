/**
 * The WebSocket: JSON in, JSON out, pings, silence. Knows the frame of a message, not its meaning.
 */

/** The subprotocol that names this protocol and its version. */
const SUBPROTOCOL = 'vitrina.v1';

/** How often to ask for a sign of life, and for the daemon's clock. */
const PING_EVERY_MS = 2000;
/** Nothing heard for this long after a ping: the connection is in doubt. */
const DOUBT_MS = 2500;
/** The same when something else has given cause to ask. */
const HURRIED_MS = 700;
/** Of round trips: on a slow network an answer takes its time. */
const ROUND_TRIPS = 4;
/** Nothing heard for this long after a ping: the connection is dead. */
const SILENCE_MS = 8000;
/** A timer that is late by so much says that this page was held up, not the daemon. */
const HELD_UP_MS = 300;
/** Bytes that wait to be sent beyond this are too many for another picture. */
const MOST_WAITING = 192 * 1024;

/**
 * Opens a connection. `onClose` is called exactly once unless `close` was called before.
 * @param {object} options
 * @param {string} options.url
 * @param {typeof WebSocket} options.WebSocket
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => number} options.now local time in ms since 1970, with fractions
 * @param {() => void} options.onOpen
 * @param {(message: {type: string}) => void} options.onMessage
 * @param {(data: ArrayBuffer) => void} options.onBinary
 * @param {(sentMs: number, receivedMs: number, serverMs: number) => void} options.onPong
 * @param {() => void} options.onDoubt nothing has come for a while: see `doubtful`
 * @param {(why: 'refused' | 'closed' | 'silent') => void} options.onClose
 */
export function openSignalling({ url, WebSocket, timers, now, onOpen, onMessage, onBinary, onPong, onDoubt, onClose }) {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  /** Pings on their way: id -> when sent. */
  const pings = new Map();
  let nextPing = 1;
  let roundTripMs = 0;
  let opened = false;
  let over = false;
  let doubtful = false;
  let pingTimer = null;
  let silenceTimer = null;
  /** When the doubt falls due, and its timer. */
  let doubtAt = Infinity;
  let doubtTimer = null;

  function finish() {
    over = true;
    timers.clearTimeout(pingTimer);
    heard();
    pings.clear();
  }

  /** Whatever was feared is not so. */
  function heard() {
    timers.clearTimeout(silenceTimer);
    timers.clearTimeout(doubtTimer);
    silenceTimer = null;
    doubtTimer = null;
    doubtAt = Infinity;
    doubtful = false;
  }

  function lose(why) {
    if (over) return;
    finish();
    socket.close();
    onClose(why);
  }

  function send(message) {
    if (over || !opened || socket.readyState !== 1) return;
    socket.send(JSON.stringify(message));
  }

  function ping() {
    const id = nextPing;
    nextPing += 1;
    pings.set(id, now());
    send({ type: 'ping', id });
  }

  function watch(doubtMs) {
    silenceTimer ??= timers.setTimeout(() => lose('silent'), SILENCE_MS);
    const due = now() + Math.max(doubtMs, ROUND_TRIPS * roundTripMs);
    if (doubtful || due >= doubtAt) return;
    timers.clearTimeout(doubtTimer);
    doubtAt = due;
    doubtTimer = timers.setTimeout(doubt, due - now());
  }

  function doubt() {
    // What has come in the meantime may still wait to be read: look again in a moment.
    if (now() - doubtAt > HELD_UP_MS) {
      doubtAt = now() + HELD_UP_MS;
      doubtTimer = timers.setTimeout(doubt, HELD_UP_MS);
      return;
    }
    doubtful = true;
    onDoubt();
  }

  function keepAlive() {
    ping();
    watch(DOUBT_MS);
    pingTimer = timers.setTimeout(keepAlive, PING_EVERY_MS);
  }

  socket.onopen = () => {
    if (over) return;
    opened = true;
    onOpen();
  };

  socket.onmessage = ({ data }) => {
    if (over) return;
    heard();
    if (typeof data !== 'string') {
      onBinary?.(data);
      return;
    }
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof message?.type !== 'string') return;
    if (message.type === 'pong') {
      const sent = pings.get(message.id);
      if (sent === undefined) return;
      for (const id of pings.keys()) if (id <= message.id) pings.delete(id);
      roundTripMs = now() - sent;
      onPong(sent, now(), message.time_ms);
      return;
    }
    onMessage(message);
  };

  // A refused upgrade and a network that is away look the same from here: `close` without `open`.
  socket.onclose = () => lose(opened ? 'closed' : 'refused');

  return {
    send,
    now,
    /** Sends bytes that may as well be left out: false where too much waits to be sent. */
    sendBytes(bytes) {
      if (over || !opened || socket.readyState !== 1 || socket.bufferedAmount > MOST_WAITING) return false;
      socket.send(bytes);
      return true;
    },
    /** Begins to ping. Only after `welcome`: nothing may come before `hello`. */
    startPings: keepAlive,
    /** Asks now and waits less: after sleep, when the network has changed, when media stands still. */
    hurry() {
      if (over) return;
      if (opened) ping();
      watch(HURRIED_MS);
    },
    /** Whether the daemon should have been heard by now, and was not. */
    get doubtful() {
      return doubtful && !over;
    },
    /** Ends it from this side; says nothing more. */
    close() {
      if (over) return;
      finish();
      socket.close(1000);
    },
  };
}
