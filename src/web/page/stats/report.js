/**
 * From `RTCPeerConnection.getStats` (W3C webrtc-stats) to the numbers a person reads: rates over
 * the time between two samples. Pure: the reports are arguments.
 */

/**
 * One received stream.
 * @typedef {object} Row
 * @property {string} source
 * @property {'video' | 'audio'} media
 * @property {string | null} codec encoding name
 * @property {string | null} profile `profile-level-id`, for H.264
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} fps decoded frames a second
 * @property {number | null} kbps received, without headers
 * @property {number | null} lossPercent packets lost of those expected
 * @property {number | null} lost packets since the start
 * @property {number | null} bufferMs time in the jitter buffer, per frame or sample
 * @property {number | null} decodeMs per frame
 * @property {number | null} processMs from a frame's first packet to its having been decoded, per frame
 * @property {number | null} jitterMs of the packets' arrival (RFC 3550 section 6.4.1)
 * @property {number | null} dropped frames since the start
 * @property {number | null} freezes since the start
 * @property {number | null} concealedPercent samples made up because packets were missing
 * @property {number | null} playoutMs `estimatedPlayoutTimestamp`, sender's clock, ms since 1970
 * @property {number} timestampMs when the browser took the sample, ms since 1970
 */

/** From 1900, the epoch of NTP, to 1970, in milliseconds. */
const NTP_TO_UNIX_MS = 2_208_988_800_000;

/** A time that may count from 1900 or from 1970, counted from 1970. */
export function unixMs(ms) {
  if (!Number.isFinite(ms) || ms <= 0) return null;
  // 1970 plus the years from 1900 to 1970 is 2040: what is later than that counts from 1900.
  return ms > NTP_TO_UNIX_MS ? ms - NTP_TO_UNIX_MS : ms;
}

export class Sampler {
  /** The last counters by the stream's id. */
  #last = new Map();

  /**
   * @param {Iterable<[string, object]>} report an `RTCStatsReport`, or a Map
   * @param {{mid: string, source: string, media: string}[]} tracks
   * @param {Map<string, string>} [midOf] from a track's id to its mid, for browsers whose
   *   statistics have no mid
   * @returns {{rows: Row[], link: {rttMs: number | null, route: string | null, protocol: string | null}}}
   */
  sample(report, tracks, midOf = new Map()) {
    const all = new Map(report);
    const rows = [];
    const seen = new Map();
    for (const stats of all.values()) {
      if (stats.type !== 'inbound-rtp') continue;
      const mid = stats.mid ?? midOf.get(stats.trackIdentifier);
      const track = tracks.find((each) => each.mid === mid);
      if (track === undefined) continue;
      const before = this.#last.get(stats.id);
      seen.set(stats.id, stats);
      rows.push(row(track, stats, before ?? null, all.get(stats.codecId)));
    }
    this.#last = seen;
    return { rows, link: linkOf(all) };
  }
}

function row(track, now, before, codec) {
  // A counter that went down belongs to a new stream.
  const steady = before !== null && now.timestamp > before.timestamp && !(now.bytesReceived < before.bytesReceived);
  const past = steady ? before : null;
  const seconds = past === null ? null : (now.timestamp - past.timestamp) / 1000;
  const grown = (key) => (past === null || now[key] === undefined ? null : now[key] - (past[key] ?? 0));
  const ratio = (over, under, scale) => {
    const [a, b] = [grown(over), grown(under)];
    return a === null || b === null || b <= 0 ? null : (a / b) * scale;
  };
  const got = grown('packetsReceived');
  const lost = grown('packetsLost');
  const bytes = grown('bytesReceived');
  const frames = grown('framesDecoded');
  return {
    source: track.source,
    media: track.media,
    codec: codecName(codec),
    profile: /profile-level-id=([0-9a-f]{6})/i.exec(codec?.sdpFmtpLine ?? '')?.[1].toLowerCase() ?? null,
    width: now.frameWidth ?? null,
    height: now.frameHeight ?? null,
    fps: frames === null ? (now.framesPerSecond ?? null) : frames / seconds,
    kbps: bytes === null ? null : (bytes * 8) / 1000 / seconds,
    lossPercent:
      got === null || lost === null || got + lost <= 0 ? null : (Math.max(0, lost) / (got + Math.max(0, lost))) * 100,
    lost: now.packetsLost ?? null,
    bufferMs: ratio('jitterBufferDelay', 'jitterBufferEmittedCount', 1000),
    decodeMs: ratio('totalDecodeTime', 'framesDecoded', 1000),
    processMs: ratio('totalProcessingDelay', 'framesDecoded', 1000),
    jitterMs: Number.isFinite(now.jitter) ? now.jitter * 1000 : null,
    dropped: now.framesDropped ?? null,
    freezes: now.freezeCount ?? null,
    concealedPercent: ratio('concealedSamples', 'totalSamplesReceived', 100),
    playoutMs: unixMs(now.estimatedPlayoutTimestamp),
    timestampMs: now.timestamp,
  };
}

function codecName(codec) {
  if (codec === undefined) return null;
  const name = codec.mimeType.replace(/^\w+\//, '');
  return { H264: 'H.264', H265: 'H.265', OPUS: 'Opus' }[name.toUpperCase()] ?? name;
}

/** The candidate pair that media takes, or null. @param {Map<string, object>} all */
export function selectedPair(all) {
  const stats = [...all.values()];
  const transport = stats.find((each) => each.type === 'transport' && each.selectedCandidatePairId);
  const nominated = (each) => each.type === 'candidate-pair' && each.nominated && each.state === 'succeeded';
  return all.get(transport?.selectedCandidatePairId) ?? stats.find(nominated) ?? null;
}

/** The path that media takes. @param {Iterable<[string, object]>} report */
export function linkOf(report) {
  const all = new Map(report);
  const pair = selectedPair(all);
  if (pair === null) return { rttMs: null, route: null, protocol: null };
  const local = all.get(pair.localCandidateId);
  const remote = all.get(pair.remoteCandidateId);
  // The path is as indirect as its worse end. A peer-reflexive candidate (`prflx`) was learnt on
  // the way and is most often a host's own address whose candidate came late.
  const types = [local?.candidateType, remote?.candidateType];
  const route = ['relay', 'srflx'].find((type) => types.includes(type)) ?? (local ? 'host' : null);
  const rtt = pair.currentRoundTripTime;
  return {
    rttMs: Number.isFinite(rtt) ? rtt * 1000 : null,
    route,
    protocol: local?.protocol?.toUpperCase() ?? null,
  };
}
