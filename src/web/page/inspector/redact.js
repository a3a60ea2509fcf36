/**
 * What may be kept of messages, descriptions and statistics: no token, no login, no chat. Pure.
 */

export const HIDDEN = '•••';

/** Longer than this is no description of a session; it is cut. */
const MOST_CHARACTERS = 65_536;

/**
 * The fields that are kept, by type. A type that is not here is noted by its name alone: what it
 * carries may be somebody's words, or a way in.
 */
const KEPT = {
  hello: ['version', 'video_codecs'],
  welcome: ['version', 'software', 'sources', 'ice_servers'],
  join: ['sources', 'select'],
  select: ['sources'],
  choose: ['source', 'rung'],
  offer: ['sdp', 'tracks'],
  answer: ['sdp'],
  candidate: ['mline', 'candidate'],
  restart: [],
  ice_servers: ['ice_servers'],
  source: ['name', 'state', 'cause', 'by'],
  rendition: ['source', 'automatic', 'rung', 'too_slow'],
  error: ['code', 'message'],
  bye: ['reason', 'message', 'retry_ms'],
  leave: [],
};

/** A signalling message as it may be kept. @param {{type: string}} message */
export function keptOf(message) {
  const kept = { type: message.type };
  const fields = Object.hasOwn(KEPT, message.type) ? KEPT[message.type] : [];
  for (const field of fields) {
    if (!Object.hasOwn(message, field)) continue;
    kept[field] = field === 'ice_servers' ? withoutLogins(message[field]) : bounded(message[field]);
  }
  return kept;
}

/** A copy, in which no text is longer than any honest one. */
function bounded(value) {
  if (typeof value === 'string') return value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value;
  if (Array.isArray(value)) return value.map(bounded);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, bounded(each)]));
}

/** Where the servers are, and whether a login is needed; not which. */
function withoutLogins(servers) {
  if (!Array.isArray(servers)) return [];
  return servers.map(({ urls, username, credential }) => ({
    urls: [urls].flat().map((url) => String(url).replace(/\/\/[^@]*@|:[^:@]*@/, (found) => (found.startsWith('//') ? '//' : ':'))),
    ...(username === undefined ? {} : { username: HIDDEN }),
    ...(credential === undefined ? {} : { credential: HIDDEN }),
  }));
}

/** SDP without what would let somebody else answer connectivity checks (RFC 8839 section 5.4), or decrypt. */
export function withoutSecrets(sdp) {
  return sdp.replace(/^a=(ice-pwd|crypto):.*$/gim, `a=$1:${HIDDEN}`);
}

/** Anything that was recorded, as it may leave the page. */
export function forExport(value) {
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(forExport);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, each]) => {
    if (/^(credential|password|token|invite|cookie)$/i.test(key)) return [key, HIDDEN];
    // The whole certificate says no more than its fingerprint, at length.
    if (key === 'base64Certificate') return [key, HIDDEN];
    return [key, forExport(each)];
  });
  return Object.fromEntries(entries);
}
