/**
 * The pairs of this page: one for each participant with whom something goes browser to browser,
 * whoever asks for it. Gives each the signals that are for it.
 */

import { createPair } from './pair.js';

/**
 * @param {object} options
 * @param {() => number | null} options.me this page's id in the room; null outside
 * @param {(to: number, body: object) => void} options.send
 * @param {() => RTCIceServer[]} options.iceServers
 * @param {typeof RTCPeerConnection} options.RTCPeerConnection
 * @param {object} options.timers
 * @param {string} options.page of `pageName`
 * @param {(connection: RTCPeerConnection, id: number) => Function} [options.inspect] as of `createPair`
 */
export function createPairs({ me, send, iceServers, RTCPeerConnection, timers, page, inspect }) {
  /** By participant. */
  const pairs = new Map();
  const listeners = { state: new Set(), track: new Set(), channel: new Set(), said: new Set(), reset: new Set() };

  function withParticipant(id) {
    let pair = pairs.get(id);
    if (pair === undefined) {
      const tell = (name) => (...values) => {
        for (const listener of listeners[name]) listener(id, ...values);
      };
      pair = createPair({
        polite: me() > id,
        iceServers,
        send: (body) => send(id, body),
        RTCPeerConnection,
        timers,
        page,
        inspect: inspect && ((connection) => inspect(connection, id)),
        on: { state: tell('state'), track: tell('track'), channel: tell('channel'), said: tell('said'), reset: tell('reset') },
      });
      pairs.set(id, pair);
    }
    return pair;
  }

  return {
    /** The pair with that participant; it is made, and opens nothing by itself. @param {number} id */
    with: withParticipant,

    /** A `signal` of the daemon. */
    signal(from, body) {
      if (me() === null || from === me() || typeof body !== 'object' || body === null) return;
      withParticipant(from).signal(body);
    },

    /** That participant is gone for good. */
    left(id) {
      pairs.get(id)?.end();
      pairs.delete(id);
    },

    /** This page is another participant now, or none. */
    clear() {
      for (const id of [...pairs.keys()]) this.left(id);
    },

    /** This page goes away: the others are told. */
    closeAll() {
      for (const pair of pairs.values()) pair.close();
    },

    networkChanged: () => pairs.forEach((pair) => pair.networkChanged()),
    signallingBack: () => pairs.forEach((pair) => pair.signallingBack()),

    /**
     * Hears of `state`, `track`, `channel`, `said` or `reset` of every pair: as of `createPair`, with the
     * participant first. Returns what ends it.
     */
    on(name, listener) {
      listeners[name].add(listener);
      return () => listeners[name].delete(listener);
    },
  };
}
