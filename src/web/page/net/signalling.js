/**
 * The WebSocket: JSON in, JSON out, pings, silence. Knows the frame of a message, not its meaning.
 */

/** The subprotocol that names this protocol and its version. */
const SUBPROTOCOL = 'vitrina.v1';

/** How often to ask for a sign of life, and for the daemon's clock. */
const PING_EVERY_MS = 2000;
/** Nothing heard for this long after a ping: the connection is dead. */
const SILENCE_MS = 8000;
/** The same after waking up or coming back to a network, when it probably is. */
const HURRIED_MS = 3000;

/**
 * Opens a connection. `onClose` is called exactly once unless `close` was called before.
 * @param {object} options
 * @param {string} options.url
 * @param {typeof WebSocket} options.WebSocket
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => number} options.now local time in ms since 1970, with fractions
 * @param {() => void} options.onOpen
 * @param {(message: {type: string}) => void} options.onMessage
 * @param {(sentMs: number, receivedMs: number, serverMs: number) => void} options.onPong
 * @param {(why: 'refused' | 'closed' | 'silent') => void} options.onClose
 */
export function openSignalling({ url, WebSocket, timers, now, onOpen, onMessage, onPong, onClose }) {
  const socket = new WebSocket(url, SUBPROTOCOL);
  /** Pings on their way: id -> when sent. */
  const pings = new Map();
  let nextPing = 1;
  let opened = false;
  let over = false;
  let pingTimer = null;
  let silenceTimer = null;

  function finish() {
    over = true;
    timers.clearTimeout(pingTimer);
    timers.clearTimeout(silenceTimer);
    pings.clear();
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
    if (silenceTimer === null) watchSilence(SILENCE_MS);
  }

  function watchSilence(ms) {
    timers.clearTimeout(silenceTimer);
    silenceTimer = timers.setTimeout(() => lose('silent'), ms);
  }

  function keepAlive() {
    ping();
    pingTimer = timers.setTimeout(keepAlive, PING_EVERY_MS);
  }

  socket.onopen = () => {
    if (over) return;
    opened = true;
    onOpen();
  };

  socket.onmessage = ({ data }) => {
    if (over) return;
    timers.clearTimeout(silenceTimer);
    silenceTimer = null;
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
      onPong(sent, now(), message.time_ms);
      return;
    }
    onMessage(message);
  };

  // A refused upgrade and a network that is away look the same from here: `close` without `open`.
  socket.onclose = () => lose(opened ? 'closed' : 'refused');

  return {
    send,
    /** Begins to ping. Only after `welcome`: nothing may come before `hello`. */
    startPings: keepAlive,
    /** Asks now and waits less: after sleep, or when the network has changed. */
    hurry() {
      if (over || !opened) return;
      ping();
      watchSilence(HURRIED_MS);
    },
    /** Ends it from this side; says nothing more. */
    close() {
      if (over) return;
      finish();
      socket.close(1000);
    },
  };
}
