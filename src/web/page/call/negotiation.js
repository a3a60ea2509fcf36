/**
 * Perfect negotiation on one `RTCPeerConnection`, as W3C webrtc-pc section 10.7 has it: either side
 * offers when it likes, and where both do at once, the polite one gives way. Adds what the text leaves
 * to the transport: an offer that nobody answers is said again.
 *
 * The first offer alone is always the impolite one's; the polite one asks for it. Chromium (156; crbug.com/1032987)
 * does not take back the m-line of data channels with the rest of an offer: rolled back, with a first offer
 * of the other side that has it at another place, it refuses that m-line for good, and asks for another
 * negotiation without end.
 */

/** How long an answer may take at first, and at most. */
const ANSWER_MS = 4000;
const ANSWER_MAX_MS = 16_000;

/**
 * @param {object} options
 * @param {RTCPeerConnection} options.connection
 * @param {boolean} options.polite
 * @param {(body: object) => void} options.send
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => void} options.beforeAnswer an offer was taken; what is to be in the answer is set now
 */
export function createNegotiation({ connection, polite, send, timers, beforeAnswer }) {
  let makingOffer = false;
  let ignoreOffer = false;
  let settingAnswer = false;
  /** Whether the first offer was made, or has come. */
  let begun = !polite;
  let stopped = false;
  let answerTimer = null;
  let answerDelay = ANSWER_MS;

  function describe() {
    const description = connection.localDescription;
    if (stopped || !description) return;
    send({ kind: 'description', description_type: description.type, sdp: description.sdp });
    timers.clearTimeout(answerTimer);
    answerTimer = description.type === 'offer' ? timers.setTimeout(again, answerDelay) : null;
  }

  /** Asks for the first offer. */
  function request() {
    send({ kind: 'description', description_type: 'rollback', sdp: '' });
    answerTimer = timers.setTimeout(again, answerDelay);
  }

  /** Says an offer again that has not been answered, with the candidates known since. */
  function again() {
    if (stopped || (begun && connection.signalingState !== 'have-local-offer')) return;
    timers.clearTimeout(answerTimer);
    answerDelay = Math.min(answerDelay * 2, ANSWER_MAX_MS);
    if (begun) describe();
    else request();
  }

  connection.addEventListener('negotiationneeded', async () => {
    // Once it has begun, this is told again where it still holds.
    if (!begun) return;
    try {
      makingOffer = true;
      await connection.setLocalDescription();
      describe();
    } catch (error) {
      refused('offer', error);
    } finally {
      makingOffer = false;
    }
  });

  connection.addEventListener('icecandidate', ({ candidate }) => {
    // The end of candidates is not told: a connection that fails without it only fails later.
    if (stopped || !candidate?.candidate) return;
    send({
      kind: 'candidate',
      candidate: candidate.candidate,
      sdp_mid: candidate.sdpMid,
      sdp_mline_index: candidate.sdpMLineIndex,
      username_fragment: candidate.usernameFragment,
    });
  });

  connection.addEventListener('signalingstatechange', () => {
    if (connection.signalingState !== 'stable') return;
    timers.clearTimeout(answerTimer);
    answerTimer = null;
    answerDelay = ANSWER_MS;
  });

  /** What this browser does not take is the other's fault or comes too late; the connection goes on. */
  function refused(what, error) {
    if (!stopped) console.debug(`${what} passed over:`, error.message);
  }

  async function description({ description_type: type, sdp }) {
    // An answer that is being taken makes the state stable before any offer that comes after it.
    const ready = !makingOffer && (connection.signalingState === 'stable' || settingAnswer);
    const collision = type === 'offer' && !ready;
    ignoreOffer = !polite && collision;
    if (ignoreOffer) return;
    if (!begun) {
      begun = true;
      timers.clearTimeout(answerTimer);
    }
    settingAnswer = type === 'answer';
    try {
      // Where this collides with an offer of ours, ours is rolled back by this.
      await connection.setRemoteDescription({ type, sdp });
    } finally {
      settingAnswer = false;
    }
    if (type !== 'offer' || stopped) return;
    beforeAnswer();
    await connection.setLocalDescription();
    describe();
  }

  async function candidate(body) {
    try {
      await connection.addIceCandidate({
        candidate: body.candidate,
        sdpMid: body.sdp_mid ?? null,
        sdpMLineIndex: body.sdp_mline_index ?? null,
        usernameFragment: body.username_fragment ?? null,
      });
    } catch (error) {
      // Those of an offer that was ignored belong to nothing here.
      if (!ignoreOffer) refused('candidate', error);
    }
  }

  return {
    /** A description or a candidate of the other side, in the order of sending. */
    take(body) {
      if (body.kind === 'description') description(body).catch((error) => refused(body.description_type, error));
      else if (body.kind === 'candidate') void candidate(body);
    },
    again,
    /** The other side does not know yet that there is to be a connection. */
    request() {
      if (!begun) request();
    },
    stop() {
      stopped = true;
      timers.clearTimeout(answerTimer);
    },
  };
}
