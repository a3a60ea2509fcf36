/**
 * A session description (RFC 8866) as sections of lines, each with what it means. Reads whatever
 * it is given: a line that is not known stays as it is. Pure.
 */

import { readLine } from './meanings.js';

/**
 * @typedef {object} Line
 * @property {string} raw
 * @property {string} name of the attribute, or the line's letter; empty where it is not a line of SDP
 * @property {string} value what follows
 * @property {string | null} meaning the last part of its key in the dictionary; null where it is not known
 * @property {Record<string, string>} values what the meaning is filled with
 * @property {string} spec where it is specified
 * @property {boolean} secret whether it is hidden until somebody asks
 *
 * @typedef {object} Section
 * @property {'session' | 'media'} kind
 * @property {string} media `video`, `audio`, `application`; empty for the session
 * @property {string} mid
 * @property {boolean} rejected port 0, and not because it is bundled (RFC 9143 section 6)
 * @property {string} direction
 * @property {Line[]} lines
 */

/**
 * @param {string} text
 * @returns {Section[]} the session's first, then one for each m-line
 */
export function parseSdp(text) {
  const sections = [];
  let formats = new Map();
  for (const raw of text.split(/\r\n|\r|\n/)) {
    if (raw === '') continue;
    const isMedia = raw.startsWith('m=');
    if (isMedia || sections.length === 0) {
      formats = formatsOf(text, sections.length - (isMedia && sections.length === 0 ? -1 : 0));
      if (isMedia && sections.length === 0) sections.push(emptySection('session'));
      sections.push(emptySection(isMedia ? 'media' : 'session'));
    }
    const line = readLine(raw, formats);
    sections.at(-1).lines.push(line);
  }
  return sections.map(described);
}

const emptySection = (kind) => ({ kind, lines: [] });

/** The codecs of one section by payload type: lines that name a type are told with its codec. */
function formatsOf(text, index) {
  if (index < 1) return new Map();
  const section = text.split(/^m=/m)[index] ?? '';
  return new Map([...section.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm)].map(([, type, codec]) => [type, codec]));
}

function described(section) {
  const line = (name) => section.lines.find((each) => each.name === name);
  const [media = '', port = ''] = (line('m')?.value ?? '').split(' ');
  const direction = ['sendrecv', 'sendonly', 'recvonly', 'inactive'].find((name) => line(name) !== undefined) ?? '';
  const rejected = port === '0' && line('bundle-only') === undefined;
  return { ...section, media, mid: line('mid')?.value ?? '', rejected, direction };
}

/**
 * Two descriptions beside each other: sections in the offer's order, with the answer's section of
 * the same place (RFC 3264 section 6), and in each the lines that answer one another.
 * @param {Section[]} offer
 * @param {Section[]} answer
 * @returns {{offer: Section | null, answer: Section | null, rows: {offer: Line | null, answer: Line | null}[]}[]}
 */
export function sideBySide(offer, answer) {
  const count = Math.max(offer.length, answer.length);
  return Array.from({ length: count }, (_, index) => {
    const [left, right] = [offer[index] ?? null, answer[index] ?? null];
    return { offer: left, answer: right, rows: rowsOf(left?.lines ?? [], right?.lines ?? []) };
  });
}

function rowsOf(left, right) {
  const waiting = new Map();
  for (const line of right) {
    const key = partnerKey(line);
    waiting.set(key, [...(waiting.get(key) ?? []), line]);
  }
  const rows = left.map((offer) => {
    const partner = waiting.get(partnerKey(offer))?.shift() ?? null;
    return { offer, answer: partner };
  });
  const alone = [...waiting.values()].flat();
  return [...rows, ...right.filter((line) => alone.includes(line)).map((answer) => ({ offer: null, answer }))];
}

/** Lines with the same key are about the same thing. */
function partnerKey({ name, value, raw }) {
  const [first] = value.split(' ');
  switch (name) {
    case '':
      return raw;
    case 'rtpmap':
    case 'fmtp':
      return `${name} ${first}`;
    case 'rtcp-fb':
      return raw.toLowerCase();
    case 'extmap':
      return `extmap ${value.split(' ')[1] ?? ''}`;
    case 'sendrecv':
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      return 'direction';
    default:
      return name;
  }
}
