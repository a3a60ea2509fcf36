/**
 * The media connection: answers the daemon's offer, hands out tracks. Knows nothing of the
 * signalling's transport, nor of the page.
 */

import { withStereo } from './codecs.js';

/**
 * @param {object} options
 * @param {typeof RTCPeerConnection} options.RTCPeerConnection
 * @param {RTCIceServer[]} options.iceServers
 * @param {(mid: string, track: MediaStreamTrack, receiver: RTCRtpReceiver) => void} options.onTrack
 * @param {(mline: number, candidate: string) => void} options.onCandidate
 * @param {(state: string) => void} options.onState `RTCPeerConnectionState` (webrtc-pc 4.3.3)
 * @param {'all' | 'relay'} [options.iceTransportPolicy] `relay`: by TURN alone
 * @param {(code: number) => void} [options.onServerError] a STUN or TURN server's answer, or 701 for
 *   none (`RTCPeerConnectionIceErrorEvent`, webrtc-pc 4.8.3)
 * @param {() => void} [options.onGathered] there are no more candidates
 * @param {(channel: RTCDataChannel) => void} [options.onChannel] of the daemon's making
 * @param {(connection: RTCPeerConnection) => void} [options.watch] for who only looks on: the inspector
 */
export function createPeer({
  RTCPeerConnection,
  iceServers,
  onTrack,
  onCandidate,
  onState,
  iceTransportPolicy = 'all',
  onServerError = () => {},
  onGathered = () => {},
  onChannel = () => {},
  watch = () => {},
}) {
  const connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle', iceTransportPolicy });
  watch(connection);
  /** Candidates that came before the offer was taken; null once it is. */
  let early = [];
  /** The tracks that were handed out: an ICE restart brings none. */
  const handed = new Set();
  /** The offer that is being taken: one after the other. */
  let taking = Promise.resolve();
  let closed = false;

  connection.ontrack = ({ transceiver, track, receiver }) => {
    if (closed || handed.has(track)) return;
    handed.add(track);
    if (track.kind === 'video') showAtOnce(receiver);
    onTrack(transceiver.mid, track, receiver);
  };
  connection.ondatachannel = ({ channel }) => closed || onChannel(channel);
  connection.onicecandidate = ({ candidate }) => {
    if (closed || candidate === null) return;
    onCandidate(candidate.sdpMLineIndex ?? 0, candidate.candidate);
  };
  connection.onicecandidateerror = ({ errorCode }) => closed || onServerError(errorCode);
  connection.onicegatheringstatechange = () => {
    if (!closed && connection.iceGatheringState === 'complete') onGathered();
  };
  connection.onconnectionstatechange = () => {
    if (!closed) onState(connection.connectionState);
  };

  async function apply({ mline, candidate }) {
    try {
      await connection.addIceCandidate({ candidate, sdpMLineIndex: mline });
    } catch (error) {
      // One candidate that this browser does not take leaves the others.
      console.debug('candidate passed over:', error.message);
    }
  }

  async function take(offer) {
    await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    const waiting = early ?? [];
    early = null;
    for (const candidate of waiting) void apply(candidate);
    const answer = await connection.createAnswer();
    const sdp = withStereo(answer.sdp, offer);
    await connection.setLocalDescription({ type: 'answer', sdp });
    return sdp;
  }

  return {
    /**
     * Takes an offer (RFC 9429 section 5.6 and 5.7). A later one restarts ICE (RFC 9429 section
     * 5.7.3): media goes on, and candidates are told again.
     * @param {string} offer
     * @returns {Promise<string>} the answer; rejects when the browser refuses
     */
    accept(offer) {
      early ??= [];
      const answer = taking.then(() => take(offer));
      taking = answer.catch(() => {});
      return answer;
    },

    /** Other ICE servers, or other credentials for them: for the next restart. */
    setServers(iceServers) {
      try {
        connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
      } catch (error) {
        console.debug('ICE servers passed over:', error.message);
      }
    },

    /** A candidate of the daemon; kept until the offer is taken. */
    addCandidate(mline, candidate) {
      if (closed) return;
      if (early === null) void apply({ mline, candidate });
      else early.push({ mline, candidate });
    },

    get state() {
      return connection.connectionState;
    },

    /** @returns {Promise<RTCStatsReport>} */
    stats: () => connection.getStats(),

    close() {
      closed = true;
      connection.close();
    },
  };
}

/** A picture is shown when it is there: nothing is held back to play more evenly. */
function showAtOnce(receiver) {
  if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
  // Chromium before 123.
  else if ('playoutDelayHint' in receiver) receiver.playoutDelayHint = 0;
}
