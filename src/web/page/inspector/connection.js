/**
 * From `getStats` (W3C webrtc-stats) to the tables of the connection: pairs, candidates, what it is
 * encrypted with, codecs. Pure.
 */

import { selectedPair } from '../stats/report.js';
import { readProfile } from './h264.js';

/** The versions on the wire (RFC 6347 section 4.1, RFC 9147 section 4). */
const DTLS = { FEFF: 'DTLS 1.0', FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' };

/** @param {Iterable<[string, object]>} report */
export function tablesOf(report) {
  const all = new Map(report);
  const stats = [...all.values()];
  return {
    pairs: pairsOf(all, stats),
    local: candidatesOf(stats, 'local-candidate'),
    remote: candidatesOf(stats, 'remote-candidate'),
    security: securityOf(all, stats),
    codecs: codecsOf(all, stats),
  };
}

const ORDER = ['succeeded', 'in-progress', 'waiting', 'frozen', 'failed'];

function pairsOf(all, stats) {
  const chosen = selectedPair(all);
  return stats
    .filter(({ type }) => type === 'candidate-pair')
    .map((pair) => ({
      id: pair.id,
      chosen: pair === chosen,
      state: pair.state ?? null,
      nominated: pair.nominated ?? false,
      local: endOf(all.get(pair.localCandidateId)),
      remote: endOf(all.get(pair.remoteCandidateId)),
      rttMs: Number.isFinite(pair.currentRoundTripTime) ? pair.currentRoundTripTime * 1000 : null,
      received: pair.bytesReceived ?? null,
      sent: pair.bytesSent ?? null,
      checks: pair.responsesReceived ?? null,
    }))
    .sort((a, b) => Number(b.chosen) - Number(a.chosen) || rank(a.state) - rank(b.state));
}

const rank = (state) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);

function candidatesOf(stats, type) {
  return stats
    .filter((each) => each.type === type)
    .map((each) => ({ ...endOf(each), priority: each.priority ?? null, url: each.url ?? null }))
    .sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0));
}

/** One end. Browsers keep a host's own address back where the page was not given one (RFC 8828). */
function endOf(candidate) {
  if (candidate === undefined) return { id: null, kind: null, address: null, protocol: null };
  const host = candidate.address ?? candidate.ip ?? null;
  const bracketed = host?.includes(':') ? `[${host}]` : host;
  return {
    id: candidate.id,
    kind: candidate.candidateType ?? null,
    address: host === null || host === '' ? null : `${bracketed}:${candidate.port}`,
    protocol: [candidate.protocol?.toUpperCase() ?? null, candidate.tcpType ?? null].filter((part) => part !== null).join(' ') || null,
  };
}

function securityOf(all, stats) {
  const transports = stats.filter(({ type }) => type === 'transport');
  const transport = transports.find((each) => each.selectedCandidatePairId) ?? transports[0];
  if (transport === undefined) return null;
  const fingerprint = (id) => {
    const certificate = all.get(id);
    return certificate?.fingerprint ? `${certificate.fingerprintAlgorithm} ${certificate.fingerprint}` : null;
  };
  return {
    dtlsState: transport.dtlsState ?? null,
    dtlsVersion: transport.tlsVersion ? (DTLS[transport.tlsVersion.toUpperCase()] ?? transport.tlsVersion) : null,
    dtlsCipher: transport.dtlsCipher ?? null,
    dtlsRole: transport.dtlsRole ?? null,
    srtpCipher: transport.srtpCipher ?? null,
    iceRole: transport.iceRole ?? null,
    iceState: transport.iceState ?? null,
    changes: transport.selectedCandidatePairChanges ?? null,
    local: fingerprint(transport.localCertificateId),
    remote: fingerprint(transport.remoteCertificateId),
  };
}

function codecsOf(all, stats) {
  return stats
    .filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp')
    .map((stream) => ({ stream, codec: all.get(stream.codecId) }))
    .filter(({ codec }) => codec !== undefined)
    .map(({ stream, codec }) => ({
      mid: stream.mid ?? null,
      media: stream.kind ?? stream.mediaType ?? null,
      track: stream.trackIdentifier ?? null,
      name: codec.mimeType.replace(/^\w+\//, ''),
      payloadType: codec.payloadType ?? null,
      clock: codec.clockRate ?? null,
      channels: codec.channels ?? null,
      parameters: codec.sdpFmtpLine ?? null,
      profile: readProfile(/profile-level-id=([0-9a-f]{6})/i.exec(codec.sdpFmtpLine ?? '')?.[1]),
      decoder: stream.decoderImplementation ?? null,
      hardware: stream.powerEfficientDecoder ?? null,
      ssrc: stream.ssrc ?? null,
    }));
}
