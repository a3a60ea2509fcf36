/**
 * What the connection test's findings mean, in keys of the dictionary: what works, what is blocked,
 * and what to do about it. Pure.
 */

/**
 * One line of the result.
 * @typedef {object} Line
 * @property {string} id
 * @property {'good' | 'bad' | 'fair' | 'none'} verdict `fair`: it works, though not as it should;
 *   `none`: it says nothing, or is not needed
 * @property {string} words
 * @property {string | null} advice
 * @property {Record<string, string | number>} values for both
 */

/**
 * @param {object} found
 * @param {{ms: number} | {error: true}} found.page the answer of `/api/session`
 * @param {boolean} [found.authorized]
 * @param {Record<'udp' | 'tcp' | 'relay', import('./probe.js').Finding>} [found.ways]
 * @param {{route: string | null, protocol: string | null, rttMs: number | null} | null} [found.now] of
 *   the running session
 * @returns {{summary: {verdict: string, words: string}, lines: Line[]}}
 */
export function diagnose({ page, authorized = false, ways = null, now = null }) {
  const line = (id, verdict, words, { advice = null, ...values } = {}) => ({
    id,
    verdict,
    words: `check.${id}.${words}`,
    advice,
    values,
  });
  const summary = (verdict, words) => ({ verdict, words: `check.summary.${words}` });

  if (page.error) {
    return {
      summary: summary('bad', 'unreachable'),
      lines: [line('page', 'bad', 'bad', { advice: 'check.page.advice' })],
    };
  }
  const lines = [line('page', 'good', 'good', { ms: page.ms })];
  if (!authorized || ways === null) {
    lines.push(line('socket', 'none', 'signed_out'));
    return { summary: summary('none', 'signed_out'), lines };
  }

  const { udp, tcp, relay } = ways;
  const all = [udp, tcp, relay];
  const open = all.find(({ signalling }) => signalling);
  if (open === undefined) {
    lines.push(line('socket', 'bad', 'bad', { advice: 'check.socket.advice' }));
    return { summary: summary('bad', 'no_socket'), lines };
  }
  lines.push(line('socket', 'good', 'good'));

  const untried = all.find(({ outcome }) => ['full', 'empty', 'failed'].includes(outcome));
  const passes = (way) => way.outcome === 'open';
  const any = all.some(passes);
  lines.push(
    udpLine(line, udp, any),
    tcpLine(line, tcp, passes(udp)),
    stunLine(line, udp),
    relayLine(line, relay, passes(udp) || passes(tcp)),
    routeLine(line, now),
  );

  if (passes(udp)) return { summary: summary('good', 'good'), lines };
  if (passes(tcp)) return { summary: summary('fair', 'tcp'), lines };
  if (passes(relay)) return { summary: summary('fair', 'relay'), lines };
  if (untried !== undefined) return { summary: summary('none', untried.outcome), lines };
  return { summary: summary('bad', 'blocked'), lines };
}

const UNTRIED = new Set(['full', 'empty', 'failed', 'no_signalling']);

function routeLine(line, now) {
  if (!now?.route) return line('route', 'none', 'none');
  const { route, protocol, rttMs } = now;
  const best = route !== 'relay' && protocol !== 'TCP';
  return line('route', best ? 'good' : 'fair', 'now', { route, protocol: protocol ?? '', ms: rttMs });
}

function udpLine(line, udp, any) {
  if (udp.outcome === 'open') return line('udp', 'good', 'good', { ms: udp.roundTripMs });
  if (UNTRIED.has(udp.outcome)) return line('udp', 'none', 'untried');
  const verdict = any ? 'fair' : 'bad';
  if (udp.outcome === 'not_offered') return line('udp', verdict, 'not_offered', { advice: 'check.udp.not_offered.advice' });
  return line('udp', verdict, 'bad', { advice: 'check.udp.advice' });
}

function tcpLine(line, tcp, udpOpen) {
  if (tcp.outcome === 'open') return line('tcp', 'good', 'good', { ms: tcp.roundTripMs });
  if (UNTRIED.has(tcp.outcome)) return line('tcp', 'none', 'untried');
  const words = tcp.outcome === 'not_offered' ? 'not_offered' : 'bad';
  return line('tcp', udpOpen ? 'none' : 'bad', words, { advice: udpOpen ? null : `check.tcp.${words}.advice` });
}

function stunLine(line, udp) {
  if (UNTRIED.has(udp.outcome)) return line('stun', 'none', 'untried');
  if (udp.reflexive.length > 0) return line('stun', 'good', 'good', { address: udp.reflexive.join(', ') });
  if (!udp.stun) return line('stun', 'none', 'not_configured');
  // Without NAT a browser sees its own address again, and leaves it out.
  if (udp.errors.length === 0) return line('stun', 'good', 'same');
  return line('stun', udp.outcome === 'open' ? 'fair' : 'bad', 'bad', { advice: 'check.stun.advice' });
}

function relayLine(line, relay, otherwise) {
  const verdict = otherwise ? 'fair' : 'bad';
  if (relay.outcome === 'open') return line('relay', 'good', 'good', { ms: relay.roundTripMs });
  if (UNTRIED.has(relay.outcome)) return line('relay', 'none', 'untried');
  if (relay.outcome === 'not_offered') {
    return line('relay', otherwise ? 'none' : 'bad', 'not_configured', { advice: otherwise ? null : 'check.relay.not_configured.advice' });
  }
  if (relay.relayed) return line('relay', verdict, 'no_way', { advice: 'check.relay.no_way.advice' });
  if (relay.errors.some((code) => code === 401 || code === 403)) return line('relay', verdict, 'login', { advice: 'check.relay.login.advice' });
  return line('relay', verdict, 'bad', { advice: 'check.relay.bad.advice' });
}
