/**
 * What this browser can decode, in the words of `hello`, and what its answer must say for it.
 * Pure: capabilities and SDP come as arguments.
 */

/** Encoding names that repair other streams and are no codecs of their own. */
const REPAIR = new Set(['rtx', 'red', 'ulpfec', 'flexfec-03', 'flexfec']);

/** In which order to ask; what is not here follows in the browser's own order. */
const PREFERRED = ['H264', 'VP8'];

/**
 * Encoding names for `hello`, best first.
 * @param {{codecs: {mimeType: string, sdpFmtpLine?: string}[]} | null | undefined} capabilities
 *   of `RTCRtpReceiver.getCapabilities('video')`
 * @returns {string[]}
 */
export function videoCodecs(capabilities) {
  if (!capabilities) return [...PREFERRED];
  const names = new Set();
  for (const { mimeType, sdpFmtpLine } of capabilities.codecs) {
    const name = mimeType.replace(/^video\//i, '').toUpperCase();
    if (REPAIR.has(name.toLowerCase())) continue;
    if (name === 'H264' && !takesConstrainedBaseline(sdpFmtpLine)) continue;
    names.add(name);
  }
  const first = PREFERRED.filter((name) => names.has(name));
  return [...first, ...[...names].filter((name) => !first.includes(name))];
}

/**
 * Whether an H.264 entry takes what the daemon sends: baseline or constrained baseline
 * (`profile_idc` 0x42) in packetisation mode 1 (RFC 6184 section 8.1).
 * @param {string | undefined} fmtp
 */
export function takesConstrainedBaseline(fmtp) {
  const parameters = new Map(
    (fmtp ?? '').split(';').map((pair) => {
      const [key, value = ''] = pair.split('=');
      return [key.trim().toLowerCase(), value.trim().toLowerCase()];
    }),
  );
  const profile = parameters.get('profile-level-id') ?? '';
  return parameters.get('packetization-mode') === '1' && /^42[0-9a-f]{4}$/.test(profile);
}

/**
 * The answer with `stereo=1` on each Opus that the offer marks as stereo (RFC 7587 section 6.1):
 * without it browsers play two channels as one.
 * @param {string} answer
 * @param {string} offer
 */
export function withStereo(answer, offer) {
  const stereo = new Set();
  for (const line of offer.split(/\r?\n/)) {
    const match = /^a=fmtp:(\d+) (.*)$/.exec(line);
    if (match && /(^|[;\s])(sprop-)?stereo=1(;|\s|$)/.test(match[2])) stereo.add(match[1]);
  }
  if (stereo.size === 0) return answer;
  const lines = answer.split('\r\n');
  const opus = lines
    .map((line) => /^a=rtpmap:(\d+) opus\//i.exec(line)?.[1])
    .filter((type) => type !== undefined && stereo.has(type));
  for (const type of new Set(opus)) {
    let found = false;
    for (let i = 0; i < lines.length; i += 1) {
      if (!lines[i].startsWith(`a=fmtp:${type} `)) continue;
      found = true;
      if (!/(^|[;\s])stereo=/.test(lines[i])) lines[i] += ';stereo=1';
    }
    if (found) continue;
    for (let i = lines.length - 1; i >= 0; i -= 1) {
      if (lines[i].startsWith(`a=rtpmap:${type} `)) {
        lines.splice(i + 1, 0, `a=fmtp:${type} stereo=1`);
      }
    }
  }
  return lines.join('\r\n');
}
