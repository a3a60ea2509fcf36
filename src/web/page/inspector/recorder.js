/**
 * Notes what happens while a connection is made, from the first byte on, whether or not anybody
 * looks: the inspector has to have the beginning. Bounded in every direction. Touches no document,
 * asks the browser for nothing that is not asked for anyway.
 *
 * An entry is `{id, at, kind, ...}`, with `at` in ms on the page's clock:
 * - `socket`: `value` is `opening`, `open` or `closed` (then with `why`)
 * - `signal`: a message, `from` and `to` of `browser`, `daemon` and `peer`, `message` as `keptOf` leaves it
 * - `state`: `machine` is `signaling`, `gathering`, `ice`, `dtls` or `connection`, `value` its state
 * - `pair`: the candidate pair that ICE has chosen, `local` and `remote`
 * - `track`, `media`: a track was made; its first packet has come
 * - `channel`: a data channel was made, `label`
 * - `unreached`: a STUN or TURN server that failed, `code` and `url`
 */

import { keptOf } from './redact.js';
import { createSeries } from './series.js';

/** How many sessions are kept. */
const RUNS = 2;
/** Of each session's entries the first ones stay, with which the connection was made, and the last. */
export const FIRST = 200;
export const LAST = 200;

/** One session's entries. */
class Run {
  #first = [];
  #last = [];
  /** How many were between those that are kept. */
  left = 0;
  /** The data channel on which the daemon sends back what it gets, or null. */
  echo = null;

  constructor(id, at) {
    this.id = id;
    this.at = at;
  }

  add(entry) {
    if (this.#first.length < FIRST) {
      this.#first.push(entry);
      return;
    }
    this.#last.push(entry);
    if (this.#last.length <= LAST) return;
    this.#last.shift();
    this.left += 1;
  }

  get entries() {
    return [...this.#first, ...this.#last];
  }
}

/**
 * @param {object} options
 * @param {() => number} options.now ms on the page's clock
 */
export function createRecorder({ now }) {
  const runs = [];
  const watchers = new Set();
  const series = createSeries();
  let nextRun = 1;
  let nextEntry = 1;

  function note(run, entry) {
    run.add({ id: nextEntry, at: now(), ...entry });
    nextEntry += 1;
    if (runs.includes(run)) tell();
  }

  function tell() {
    for (const watcher of watchers) watcher();
  }

  function begin() {
    const run = new Run(nextRun, now());
    nextRun += 1;
    return run;
  }

  function keep(run) {
    runs.push(run);
    if (runs.length > RUNS) runs.shift();
    series.cut(now());
    return run;
  }

  return {
    /** The sessions, the latest last. */
    get runs() {
      return runs;
    },
    /** What was measured of the latest session. */
    series,
    /** Calls back after each entry, until the returned function is called. */
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },

    /**
     * What a session needs of the browser, with a look at what passes. For one session.
     * @param {{openSignalling: Function, createPeer: Function}} transports
     * @param {boolean} [aside] a trial, of which there may be many in vain: it is none of `runs` before `keep` is called
     */
    watched({ openSignalling, createPeer }, aside = false) {
      const run = begin();
      const measured = { series: aside ? createSeries() : series };
      if (!aside) keep(run);
      return {
        openSignalling: (events) => watchedSignalling(openSignalling, events, (entry) => note(run, entry), measured),
        createPeer: (options) => watchedPeer(createPeer, options, run, (entry) => note(run, entry), { now, measured }),
        /** It is the session from now on. */
        keep() {
          if (measured.series === series) return;
          const { tracks, mids } = measured.series;
          keep(run);
          series.tracks = tracks;
          for (const [track, mid] of mids) series.mids.set(track, mid);
          measured.series = series;
          tell();
        },
      };
    },

    /**
     * For a connection with another participant: what is noted goes to the latest session, each entry
     * with that participant's name as `peer`.
     * @param {RTCPeerConnection} connection
     * @param {string} peer
     * @returns {(from: 'browser' | 'peer', message: {type: string}) => void} for its signalling
     */
    watchCall(connection, peer) {
      const run = runs.at(-1) ?? keep(begin());
      watchConnection(connection, (entry) => note(run, { ...entry, peer }));
      return (from, message) =>
        note(run, { kind: 'signal', from, to: from === 'peer' ? 'browser' : 'peer', message: keptOf(message), peer });
    },
  };
}

function watchedSignalling(open, events, note, measured) {
  let isOpen = false;
  let over = false;
  function closed(why) {
    if (!over) note({ kind: 'socket', value: 'closed', why });
    over = true;
  }
  note({ kind: 'socket', value: 'opening' });
  const inner = open({
    ...events,
    onOpen() {
      isOpen = true;
      note({ kind: 'socket', value: 'open' });
      events.onOpen();
    },
    onMessage(message) {
      note({ kind: 'signal', from: 'daemon', to: 'browser', message: keptOf(message) });
      if (message.type === 'offer') measured.series.tracks = message.tracks ?? [];
      events.onMessage(message);
    },
    onClose(why) {
      closed(why);
      events.onClose(why);
    },
  });
  // All else is the connection's own. Pings are sent within it, and not noted: there are too many.
  return Object.create(inner, {
    send: {
      value(message) {
        if (isOpen && !over) note({ kind: 'signal', from: 'browser', to: 'daemon', message: keptOf(message) });
        inner.send(message);
      },
    },
    close: {
      value() {
        closed('left');
        inner.close();
      },
    },
  });
}

function watchedPeer(create, options, run, note, { now, measured }) {
  const inner = create({
    ...options,
    watch(connection) {
      watchConnection(connection, note);
      connection.addEventListener('datachannel', ({ channel }) => {
        if (channel.label === 'echo') run.echo = channel;
      });
      connection.addEventListener('track', ({ track, transceiver }) => measured.series.mids.set(track.id, transceiver.mid));
      options.watch?.(connection);
    },
  });
  return Object.create(inner, {
    stats: {
      // The page looks several times a second whether media comes; that look is used.
      async value() {
        const report = await inner.stats();
        measured.series.offer(report, now());
        return report;
      },
    },
    close: {
      value() {
        note({ kind: 'state', machine: 'connection', value: 'closed' });
        inner.close();
      },
    },
  });
}

/** Notes the states of a connection and of what it stands on (webrtc-pc 4.3, 5.5 and 5.6). */
function watchConnection(connection, note) {
  const seen = new WeakSet();
  const listen = (event, machine, property) =>
    connection.addEventListener(event, () => {
      note({ kind: 'state', machine, value: connection[property] });
      watchTransports();
    });
  listen('signalingstatechange', 'signaling', 'signalingState');
  listen('icegatheringstatechange', 'gathering', 'iceGatheringState');
  listen('iceconnectionstatechange', 'ice', 'iceConnectionState');
  listen('connectionstatechange', 'connection', 'connectionState');
  connection.addEventListener('icecandidateerror', ({ errorCode, url }) => note({ kind: 'unreached', code: errorCode, url: url ?? '' }));
  connection.addEventListener('datachannel', ({ channel }) => note({ kind: 'channel', label: String(channel.label).slice(0, 80) }));
  connection.addEventListener('track', ({ track, transceiver }) => {
    const { mid } = transceiver;
    if (seen.has(track)) return;
    seen.add(track);
    note({ kind: 'track', media: track.kind, mid });
    track.addEventListener('unmute', () => note({ kind: 'media', media: track.kind, mid }), { once: true });
  });

  function watchTransports() {
    // Before that, each m-line has a transport of its own, which bundling takes away again.
    if (connection.signalingState !== 'stable') return;
    const transports = [connection.sctp?.transport, ...(connection.getReceivers?.() ?? []).map(({ transport }) => transport)];
    for (const transport of transports) {
      if (!transport || seen.has(transport)) continue;
      seen.add(transport);
      if (transport.state !== 'new') note({ kind: 'state', machine: 'dtls', value: transport.state });
      transport.addEventListener('statechange', () => note({ kind: 'state', machine: 'dtls', value: transport.state }));
      const ice = transport.iceTransport;
      ice?.addEventListener('selectedcandidatepairchange', () => {
        const pair = ice.getSelectedCandidatePair?.();
        if (pair) note({ kind: 'pair', local: wordsOf(pair.local), remote: wordsOf(pair.remote) });
      });
    }
  }
}

/** A candidate in short. */
function wordsOf({ address, port, protocol, type } = {}) {
  return { address: address ?? null, port: port ?? null, protocol: protocol ?? null, type: type ?? null };
}
