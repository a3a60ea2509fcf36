/**
 * ICE candidates as text (RFC 8839 section 5.1): what the connection test has to know of them. Pure.
 */

/**
 * @param {string} line with or without `a=`
 * @returns {{transport: 'udp' | 'tcp', type: string, address: string} | null}
 */
export function readCandidate(line) {
  const words = line.replace(/^a=/, '').trim().split(/\s+/);
  const at = words.indexOf('typ');
  if (!words[0].startsWith('candidate:') || at < 6 || words[at + 1] === undefined) return null;
  const transport = words[2].toLowerCase();
  if (transport !== 'udp' && transport !== 'tcp') return null;
  return { transport, type: words[at + 1], address: words[4] };
}

/** SDP without the candidates that do not pass. @param {(line: string) => boolean} passes */
export function withoutCandidates(sdp, passes) {
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=candidate:') || passes(line))
    .join('\r\n');
}

/** Whether one of the servers is of that kind. @param {'stun' | 'turn'} kind */
export function hasServer(iceServers, kind) {
  return iceServers.some(({ urls }) => [urls].flat().some((url) => new RegExp(`^${kind}s?:`, 'i').test(url)));
}
