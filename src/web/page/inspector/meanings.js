/**
 * What each line of a session description means: the key of its words, what fills them, and where
 * it is specified. Pure.
 */

import { readCandidate } from '../net/candidates.js';
import { readProfile } from './h264.js';

const words = (value) => value.split(/\s+/).filter((word) => word !== '');
const rest = (value, from) => words(value).slice(from).join(' ');

/** The letter of a line: where it is specified, and its values (RFC 8866 section 5). */
const LETTERS = {
  v: ['RFC 8866 §5.1', () => ({})],
  o: ['RFC 8866 §5.2', (value) => ({ id: words(value)[1] ?? '', version: words(value)[2] ?? '' })],
  s: ['RFC 8866 §5.3', () => ({})],
  t: ['RFC 8866 §5.9', () => ({})],
  c: ['RFC 8866 §5.7, RFC 9429 §5.2.1', (value) => ({ address: words(value)[2] ?? '' })],
  b: ['RFC 8866 §5.8', (value) => ({ value })],
  i: ['RFC 8866 §5.4', (value) => ({ value })],
  m: ['RFC 8866 §5.14', readMedia],
};

function readMedia(value) {
  const [media = '', port = '', profile = '', ...formats] = words(value);
  const kind = media === 'application' ? 'm_data' : port === '0' ? 'm_zero' : 'm';
  return { $: kind, media, port, profile, formats: formats.join(', '), count: String(formats.length) };
}

/** Attributes: where they are specified, and their values; `$` names other words than the attribute's own. */
const ATTRIBUTES = {
  group: ['RFC 9143 §7', (value) => ({ mids: rest(value, 1), kind: words(value)[0] ?? '' })],
  'msid-semantic': ['RFC 8830 §2', () => ({})],
  msid: ['RFC 8830 §2', (value) => ({ stream: words(value)[0] ?? '', track: words(value)[1] ?? '' })],
  'ice-options': ['RFC 8839 §5.6', (value) => ({ options: value, $: value.includes('trickle') ? 'ice_options_trickle' : 'ice_options' })],
  'ice-lite': ['RFC 8839 §5.3', () => ({})],
  'ice-ufrag': ['RFC 8839 §5.4', () => ({})],
  'ice-pwd': ['RFC 8839 §5.4', () => ({})],
  fingerprint: ['RFC 8122 §5', (value) => ({ hash: words(value)[0] ?? '' })],
  setup: ['RFC 5763 §5, RFC 4145 §4', readSetup],
  'tls-id': ['RFC 8842 §4', () => ({})],
  mid: ['RFC 5888 §4', (value) => ({ mid: value })],
  extmap: ['RFC 8285 §5', readExtension],
  'extmap-allow-mixed': ['RFC 8285 §6', () => ({})],
  sendrecv: ['RFC 8866 §6.7', () => ({})],
  sendonly: ['RFC 8866 §6.7', () => ({})],
  recvonly: ['RFC 8866 §6.7', () => ({})],
  inactive: ['RFC 8866 §6.7', () => ({})],
  rtcp: ['RFC 3605 §2.1', () => ({})],
  'rtcp-mux': ['RFC 5761 §5.1.1', () => ({})],
  'rtcp-mux-only': ['RFC 8858 §3', () => ({})],
  'rtcp-rsize': ['RFC 5506 §5', () => ({})],
  'rtcp-xr': ['RFC 3611 §5.1', (value) => ({ value })],
  'bundle-only': ['RFC 9143 §6', () => ({})],
  rtpmap: ['RFC 8866 §6.6', readMap],
  fmtp: ['RFC 8866 §6.15', readParameters],
  'rtcp-fb': ['RFC 4585 §4.2', readFeedback],
  ssrc: ['RFC 5576 §4.1', (value) => ({ ssrc: words(value)[0] ?? '', about: rest(value, 1) })],
  'ssrc-group': ['RFC 5576 §4.2', (value) => ({ ssrcs: rest(value, 1), $: /^FID\b/.test(value) ? 'ssrc_group_fid' : 'ssrc_group' })],
  rid: ['RFC 8851 §4', (value) => ({ rid: words(value)[0] ?? '' })],
  simulcast: ['RFC 8853 §5.1', () => ({})],
  ptime: ['RFC 8866 §6.4', (value) => ({ ms: value })],
  maxptime: ['RFC 8866 §6.5', (value) => ({ ms: value })],
  framerate: ['RFC 8866 §6.13', (value) => ({ rate: value })],
  'sctp-port': ['RFC 8841 §5', (value) => ({ port: value })],
  'max-message-size': ['RFC 8841 §6', (value) => ({ bytes: value })],
  candidate: ['RFC 8839 §5.1', readCandidateLine],
  'end-of-candidates': ['RFC 8840 §8.2', () => ({})],
};

/** Header extensions of RTP by the end of their name. */
const EXTENSIONS = [
  ['abs-capture-time', 'ext_capture'],
  ['abs-send-time', 'ext_send_time'],
  ['playout-delay', 'ext_playout'],
  ['transport-wide-cc-extensions', 'ext_transport_cc'],
  ['sdes:mid', 'ext_mid'],
  ['sdes:rtp-stream-id', 'ext_rid'],
  ['repaired-rtp-stream-id', 'ext_rid'],
  ['ssrc-audio-level', 'ext_level'],
  ['toffset', 'ext_offset'],
  ['video-orientation', 'ext_rotation'],
];

function readExtension(value) {
  const [number = '', uri = ''] = words(value);
  const known = EXTENSIONS.find(([end]) => uri.includes(end));
  return { number: number.split('/')[0], $: known?.[1] ?? 'extmap' };
}

function readSetup(value) {
  const known = ['actpass', 'active', 'passive'].includes(value);
  return { role: value, $: known ? `setup_${value}` : 'setup' };
}

function readMap(value) {
  const [type = '', encoding = ''] = words(value);
  const [codec = '', clock = '', channels = ''] = encoding.split('/');
  const kind = { rtx: 'rtpmap_rtx', red: 'rtpmap_red', ulpfec: 'rtpmap_fec', flexfec: 'rtpmap_fec' }[codec.toLowerCase().replace(/-\d+$/, '')];
  return { type, codec, clock, channels, $: kind ?? (channels > 1 ? 'rtpmap_channels' : 'rtpmap') };
}

function readParameters(value, formats) {
  const [type = ''] = words(value);
  const parameters = rest(value, 1);
  const find = (name) => new RegExp(`(?:^|[;\\s])${name}=([^;\\s]+)`).exec(parameters)?.[1];
  const codec = formats.get(type) ?? '';
  const again = find('apt');
  if (again !== undefined) return { type, again, codec: formats.get(again) ?? '', $: 'fmtp_apt' };
  const profile = readProfile(find('profile-level-id'));
  if (profile !== null && profile.profile !== null) return { type, ...profile, $: 'fmtp_h264' };
  return { type, codec, $: codec.toLowerCase() === 'opus' ? 'fmtp_opus' : 'fmtp' };
}

function readFeedback(value, formats) {
  const [type = ''] = words(value);
  const asked = rest(value, 1).toLowerCase();
  const kind = {
    nack: 'fb_nack',
    'nack pli': 'fb_pli',
    'ccm fir': 'fb_fir',
    'transport-cc': 'fb_transport_cc',
    'goog-remb': 'fb_remb',
    'nack rpsi': 'fb_rpsi',
  }[asked];
  return { type, codec: formats.get(type) ?? type, asked, $: kind ?? 'rtcp_fb' };
}

function readCandidateLine(value) {
  const read = readCandidate(`candidate:${value}`);
  if (read === null) return {};
  return { address: read.address, protocol: read.transport.toUpperCase(), priority: words(value)[3] ?? '', $: KINDS[read.type] ?? 'candidate' };
}

const KINDS = { host: 'candidate_host', srflx: 'candidate_srflx', prflx: 'candidate_prflx', relay: 'candidate_relay' };
const SECRET = new Set(['ice-pwd', 'crypto']);

/**
 * @param {string} raw one line, without its end
 * @param {Map<string, string>} formats the section's codecs by payload type
 * @returns {import('./sdp.js').Line}
 */
export function readLine(raw, formats) {
  const split = /^([a-z])=(.*)$/.exec(raw);
  if (split === null) return line(raw, '', raw, null, {}, '');
  const [, letter, value] = split;
  if (letter !== 'a') return known(raw, letter, value, LETTERS, formats);
  const [, name, text = ''] = /^([^:]*)(?::(.*))?$/.exec(value) ?? [null, value];
  return known(raw, name, text, ATTRIBUTES, formats);
}

function known(raw, name, value, table, formats) {
  if (!Object.hasOwn(table, name)) return line(raw, name, value, null, {}, '');
  const [spec, read] = table[name];
  const { $: other, ...values } = read(value, formats);
  return line(raw, name, value, other ?? name.replaceAll('-', '_'), values, spec);
}

function line(raw, name, value, meaning, values, spec) {
  return { raw, name, value, meaning, values, spec, secret: SECRET.has(name) };
}
