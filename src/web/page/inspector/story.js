/**
 * From what was recorded to the steps of a sequence diagram, each with what explains it. Pure.
 */

import { readCandidate } from '../net/candidates.js';

/** Messages without which no connection comes about; the others tell of what is shown on it. */
const CONNECTING = new Set(['hello', 'welcome', 'join', 'offer', 'answer', 'candidate', 'restart', 'ice_servers', 'error', 'bye', 'leave']);

/** Where each step is specified: not words, so in no dictionary. */
export const SPECS = {
  socket_opening: 'RFC 9429 §3.1, RFC 6455 §4',
  socket_open: 'RFC 6455 §4.2',
  socket_closed: 'RFC 6455 §7',
  hello: 'docs/protocol.md',
  welcome: 'W3C webrtc-pc §4.2, RFC 8489, RFC 8656',
  join: 'docs/protocol.md',
  select: 'docs/protocol.md',
  choose: 'docs/protocol.md',
  source: 'docs/protocol.md',
  rendition: 'docs/protocol.md',
  offer: 'RFC 9429 §5.2, RFC 8866',
  offer_again: 'RFC 8445 §9, RFC 9429 §5.2.2',
  answer: 'RFC 9429 §5.3, RFC 3264 §6',
  call_offer: 'RFC 8825 §3, W3C webrtc-pc §10.7',
  call_answer: 'RFC 3264 §6, W3C webrtc-pc §10.7',
  candidate_host: 'RFC 8445 §5.1.1.1, RFC 8838',
  candidate_mdns: 'RFC 8828 §5.2, draft-ietf-mmusic-mdns-ice-candidates',
  candidate_srflx: 'RFC 8445 §5.1.1.2, RFC 8489',
  candidate_relay: 'RFC 8445 §5.1.1.2, RFC 8656',
  candidate_prflx: 'RFC 8445 §7.2.5.3.1',
  candidate_tcp: 'RFC 6544 §4.1',
  candidate_end: 'RFC 8838 §13',
  restart: 'RFC 8445 §9',
  ice_servers: 'W3C webrtc-pc §4.4.2, RFC 8656 §9',
  error: 'docs/protocol.md',
  bye: 'docs/protocol.md',
  leave: 'docs/protocol.md',
  other: 'docs/protocol.md',
  signaling_have_remote_offer: 'W3C webrtc-pc §4.3.1, RFC 9429 §5.10',
  signaling_have_local_offer: 'W3C webrtc-pc §4.3.1, RFC 9429 §5.9',
  signaling_stable: 'W3C webrtc-pc §4.3.1, RFC 9429 §5.11',
  gathering_gathering: 'W3C webrtc-pc §4.3.2, RFC 8445 §5.1.1',
  gathering_complete: 'W3C webrtc-pc §4.3.2, RFC 8838 §13',
  ice_checking: 'RFC 8445 §7, RFC 8489',
  ice_connected: 'RFC 8445 §7.2.5.3, W3C webrtc-pc §4.3.4',
  ice_completed: 'RFC 8445 §8.1',
  ice_disconnected: 'RFC 7675 §5.1',
  ice_failed: 'RFC 8445 §8.1.2',
  dtls_connecting: 'RFC 8827 §6.5, RFC 6347 §4.2',
  dtls_connected: 'RFC 5764 §4, RFC 8122 §5',
  dtls_failed: 'RFC 8122 §6',
  dtls_closed: 'RFC 6347 §4.1.2',
  connection_connecting: 'W3C webrtc-pc §4.3.3',
  connection_connected: 'W3C webrtc-pc §4.3.3',
  connection_disconnected: 'W3C webrtc-pc §4.3.3',
  connection_failed: 'W3C webrtc-pc §4.3.3',
  connection_closed: 'W3C webrtc-pc §4.4.2',
  state_other: 'W3C webrtc-pc §4.3',
  pair: 'RFC 8445 §8.1.1',
  track: 'RFC 9429 §5.10, W3C webrtc-pc §5',
  media: 'RFC 3550 §5.1, RFC 3711',
  channel: 'RFC 8831, RFC 8832',
  unreached: 'W3C webrtc-pc §4.8.3',
};

const GOOD = new Set(['ice_connected', 'ice_completed', 'dtls_connected', 'connection_connected', 'media']);
const BAD = new Set(['ice_failed', 'dtls_failed', 'connection_failed', 'error', 'unreached']);
const DOUBTFUL = new Set(['ice_disconnected', 'connection_disconnected', 'bye']);

/**
 * One step of the diagram.
 * @typedef {object} Step
 * @property {number} id that of its entry
 * @property {number} ms since the session began
 * @property {'browser' | 'daemon' | 'peer'} from
 * @property {'browser' | 'daemon' | 'peer' | null} to null: it happens where it is
 * @property {string} name what stands on it: a word of the protocol's or the browser's, not translated
 * @property {string} note more of it, in short
 * @property {string} lesson names its explanation and its place in `SPECS`
 * @property {'good' | 'bad' | 'doubtful' | 'plain'} tone
 * @property {boolean} connecting whether it belongs to making the connection
 * @property {object} entry
 */

/**
 * @param {{at: number, entries: object[]}} run
 * @returns {Step[]}
 */
export function stepsOf(run) {
  let offers = 0;
  return run.entries.map((entry) => {
    if (entry.kind === 'signal' && entry.peer === undefined && entry.message.type === 'offer') offers += 1;
    const step = READERS[entry.kind](entry, offers);
    const tone = GOOD.has(step.lesson) ? 'good' : BAD.has(step.lesson) ? 'bad' : DOUBTFUL.has(step.lesson) ? 'doubtful' : 'plain';
    return { id: entry.id, ms: entry.at - run.at, from: 'browser', to: null, note: '', tone, connecting: true, entry, ...step };
  });
}

const READERS = {
  socket: ({ value, why }) => ({
    from: 'browser',
    to: value === 'opening' ? 'daemon' : value === 'open' ? 'browser' : null,
    ...(value === 'open' ? { from: 'daemon' } : {}),
    name: `WebSocket ${value}`,
    note: why ?? '',
    lesson: `socket_${value}`,
  }),
  signal: ({ from, to, message, peer }, offers) => ({
    from,
    to,
    name: message.type,
    note: noteOf(message),
    lesson: lessonOf(message, offers, peer !== undefined),
    connecting: CONNECTING.has(message.type),
  }),
  state: ({ machine, value, peer = '' }) => {
    const lesson = `${machine}_${value}`.replaceAll('-', '_');
    return { name: `${machine}: ${value}`, note: peer, lesson: Object.hasOwn(SPECS, lesson) ? lesson : 'state_other' };
  },
  pair: ({ local, remote }) => ({ name: 'pair', note: `${endOf(local)} ↔ ${endOf(remote)}`, lesson: 'pair' }),
  track: ({ media, mid }) => ({ name: `track: ${media}`, note: mid ?? '', lesson: 'track' }),
  media: ({ media, mid, peer }) => ({ name: `RTP: ${media}`, from: peer === undefined ? 'daemon' : 'peer', to: 'browser', note: mid ?? '', lesson: 'media' }),
  channel: ({ label }) => ({ name: `data channel: ${label}`, lesson: 'channel' }),
  unreached: ({ code, url }) => ({ name: `ICE server: ${code}`, note: url, lesson: 'unreached' }),
};

function endOf({ type, protocol, address, port }) {
  return [type, protocol, address === null ? null : `${address}:${port}`].filter((part) => part !== null).join(' ');
}

function noteOf(message) {
  switch (message.type) {
    case 'candidate': {
      const read = readCandidate(message.candidate ?? '');
      return read === null ? 'end' : `${read.type} ${read.transport} ${read.address}`;
    }
    case 'offer':
    case 'answer': {
      const lines = (message.sdp ?? '').split('\n').filter((line) => line.startsWith('m='));
      const kinds = lines.map((line) => line.slice(2).split(' ')[0]);
      return [...new Set(kinds)].map((kind) => `${kinds.filter((each) => each === kind).length} × ${kind}`).join(', ');
    }
    case 'welcome':
      return (message.sources ?? []).map(({ name }) => name).join(', ');
    case 'hello':
      return (message.video_codecs ?? []).join(', ');
    case 'source':
      return [message.name, message.state].join(' ');
    case 'rendition':
    case 'choose':
      return [message.source, message.rung ?? ''].join(' ').trim();
    case 'select':
      return (message.sources ?? []).join(', ');
    case 'error':
      return message.code ?? '';
    case 'bye':
      return message.reason ?? '';
    default:
      return '';
  }
}

function lessonOf(message, offers, isCall) {
  if (isCall && ['offer', 'answer'].includes(message.type)) return `call_${message.type}`;
  if (message.type === 'offer') return offers > 1 ? 'offer_again' : 'offer';
  if (message.type === 'candidate') {
    const read = readCandidate(message.candidate ?? '');
    if (read === null) return 'candidate_end';
    if (read.transport === 'tcp') return 'candidate_tcp';
    if (read.address.endsWith('.local')) return 'candidate_mdns';
    return Object.hasOwn(SPECS, `candidate_${read.type}`) ? `candidate_${read.type}` : 'candidate_host';
  }
  return Object.hasOwn(SPECS, message.type) ? message.type : 'other';
}

/**
 * The certificates' fingerprints as the last offer and answer of the daemon's connection announce
 * them, which are those of the certificates in use once DTLS stands (RFC 8122 section 6.2).
 * @returns {{local: string | null, remote: string | null}}
 */
export function announcedIn({ entries }) {
  const last = (type) => entries.findLast(({ kind, peer, message }) => kind === 'signal' && peer === undefined && message.type === type);
  const of = (type) => /^a=fingerprint:(.*?)\r?$/m.exec(last(type)?.message.sdp ?? '')?.[1] ?? null;
  return { local: of('answer'), remote: of('offer') };
}

/** What comes after what while a first connection is made, each until the step that ends it. */
const PHASES = [
  ['signalling', ({ lesson }) => lesson === 'offer'],
  ['negotiation', ({ lesson }) => lesson === 'answer'],
  ['ice', ({ lesson }) => lesson === 'ice_connected' || lesson === 'ice_completed' || lesson === 'dtls_connecting'],
  ['dtls', ({ lesson }) => lesson === 'connection_connected'],
  ['media', ({ lesson }) => lesson === 'media'],
];

/**
 * How long each phase took, as far as they have come.
 * @param {Step[]} steps
 * @returns {{key: string, from: number, to: number}[]} in ms since the session began
 */
export function phasesOf(steps) {
  const phases = [];
  let from = 0;
  const own = steps.filter(({ entry }) => entry.peer === undefined);
  for (const [key, ends] of PHASES) {
    const last = own.find(ends);
    if (last === undefined) break;
    const to = Math.max(from, last.ms);
    phases.push({ key, from, to });
    from = to;
  }
  return phases;
}
