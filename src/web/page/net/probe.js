/**
 * Tries the ways that media may take, each by a session of its own that is sent nothing: the same
 * signalling, an RTCPeerConnection that is told of one kind of candidate alone. What connects is open.
 */

import { selectedPair } from '../stats/report.js';
import { hasServer, readCandidate, withoutCandidates } from './candidates.js';
import { startSession } from './session.js';

/** A way that does not stand by then is taken for blocked: lost checks are sent again for seconds. */
const PROBE_MS = 8000;
/** A daemon that has named nothing for a way by then, after its offer, has nothing for it. */
const OFFERED_MS = 2500;

/** @typedef {'udp' | 'tcp' | 'relay'} Way */

/**
 * What came of one way.
 * @typedef {object} Finding
 * @property {'open' | 'blocked' | 'not_offered' | 'no_signalling' | 'full' | 'empty' | 'failed'} outcome
 *   `not_offered`: the daemon has no such candidate, or there is no such server; `empty`: the daemon
 *   has no sources; `failed`: the daemon refused, `message` says why
 * @property {number | null} roundTripMs of the media path, or of the signalling where it got no further
 * @property {boolean} signalling whether the WebSocket was open
 * @property {string[]} reflexive this device's addresses as STUN servers see them
 * @property {boolean} relayed whether a TURN server gave a relay candidate
 * @property {boolean} stun whether there are STUN or TURN servers, which tell of reflexive addresses
 * @property {number[]} errors of STUN and TURN servers
 * @property {string} message
 */

const RULES = {
  udp: { passes: ({ transport, type }) => transport === 'udp' && type !== 'relay', policy: 'all' },
  tcp: { passes: ({ transport, type }) => transport === 'tcp' && type !== 'relay', policy: 'all' },
  relay: { passes: () => true, policy: 'relay' },
};

/**
 * @param {Way} way
 * @param {object} options as `startSession` takes them
 * @param {(options: object) => object} options.createPeer
 * @returns {Promise<Finding>} never rejects
 */
export function probe(way, { openSignalling, createPeer, timers, videoCodecs }) {
  const { passes, policy } = RULES[way];
  const finding = {
    outcome: 'blocked',
    roundTripMs: null,
    signalling: false,
    reflexive: [],
    relayed: false,
    stun: false,
    errors: [],
    message: '',
  };
  /** Whether the daemon has named a candidate that this way could take. */
  let offered = way === 'relay';
  let configured = true;
  let names = 0;

  const taken = (line) => {
    const candidate = readCandidate(line);
    return candidate !== null && passes(candidate);
  };

  let named = null;
  let late = () => {};

  function restricted(options) {
    const peer = createPeer({
      ...options,
      iceTransportPolicy: policy,
      onTrack() {},
      onServerError: (code) => finding.errors.push(code),
      onCandidate(mline, line) {
        const candidate = readCandidate(line);
        if (candidate?.type === 'srflx' && !finding.reflexive.includes(candidate.address)) {
          finding.reflexive.push(candidate.address);
        }
        if (candidate?.type === 'relay') finding.relayed = true;
        if (taken(line)) options.onCandidate(mline, line);
      },
    });
    return {
      accept(sdp) {
        named = timers.setTimeout(() => offered || late(), OFFERED_MS);
        offered ||= sdp.split('\r\n').some((line) => line.startsWith('a=candidate:') && taken(line));
        return peer.accept(withoutCandidates(sdp, taken));
      },
      addCandidate(mline, line) {
        if (!taken(line)) return;
        offered = true;
        peer.addCandidate(mline, line);
      },
      setServers: (servers) => peer.setServers(servers),
      stats: () => peer.stats(),
      close: () => peer.close(),
    };
  }

  return new Promise((resolve) => {
    let session = null;
    let timer = null;
    let done = false;

    async function finish(outcome, message = '') {
      if (done) return;
      done = true;
      timers.clearTimeout(timer);
      timers.clearTimeout(named);
      const report = await session.stats().catch(() => null);
      const pair = report === null ? null : selectedPair(new Map(report));
      const seconds = outcome === 'open' ? pair?.currentRoundTripTime : undefined;
      finding.roundTripMs = Number.isFinite(seconds) ? seconds * 1000 : session.clock.lastRoundTripMs;
      session.leave();
      resolve({ ...finding, outcome, message });
    }

    function ended(how) {
      const why = how.why ?? how.reason;
      if (why === 'full') void finish('full');
      else if (['media', 'slow', 'connection_failed', 'timeout'].includes(why) || !finding.signalling) late();
      else void finish('failed', how.message ?? '');
    }

    late = () => {
      void finish(!finding.signalling ? 'no_signalling' : !configured || !offered ? 'not_offered' : 'blocked');
    };

    session = startSession({
      openSignalling,
      createPeer: restricted,
      timers,
      videoCodecs,
      wanted: () => [],
      chosen: () => null,
      on: {
        welcome({ sources, ice_servers: servers = [] }) {
          finding.signalling = true;
          names = sources.length;
          finding.stun = hasServer(servers, 'stun') || hasServer(servers, 'turn');
          configured = way !== 'relay' || hasServer(servers, 'turn');
          if (names === 0) queueMicrotask(() => finish('empty'));
          else if (!configured) queueMicrotask(() => finish('not_offered'));
        },
        // With nothing to join a session counts as connected: that tried no way.
        state: (state) => state === 'connected' && names > 0 && void finish('open'),
        end: ended,
        refused() {},
        tracks() {},
        track() {},
        source() {},
        rendition() {},
        admin() {},
        doubt() {},
      },
    });
    timer = timers.setTimeout(() => late(), PROBE_MS);
  });
}
