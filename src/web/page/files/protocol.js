/**
 * What two pages say about files: messages as data, and what each must be before anything is done with it. Pure.
 *
 * On the pair's channel "files", as JSON:
 *
 *     offer     {id, name, size, mime, hash: "sha-256"}    sender; again after a reconnect, with the same id
 *     accept    {id, from}                                 receiver: it has the first `from` bytes already
 *     refuse    {id, reason}                               receiver: one of REFUSALS
 *     pause     {id}    resume {id}                        both: each holds the transfer up for itself
 *     cancel    {id}                                       both
 *     done      {id, sha256}                               sender: everything is sent; of the whole file
 *     verified  {id}    failed {id, reason}                receiver: it is right; it is not (one of FAILURES).
 *                                                          `failed` of the sender: it cannot go on
 *     recall    {proof}                                    receiver, who is another participant now (its page was loaded
 *                                                          again, or was away for long), or whose sender is: answered by
 *                                                          an `offer` with the id that is proved to be known
 *
 * On a channel of the transfer's own, "file:ID", ordered and reliable, made by the sender after each `accept`: from the
 * sender binary messages of CHUNK bytes, the last of the file shorter, and nothing else; from the receiver
 * `{type: "written", bytes}`, how much of the file is where it belongs. The sender is never more than
 * WINDOW bytes ahead of it: so neither page holds more than that, however slow the disk.
 */

import { Sha256 } from './sha256.js';

/** Bytes of one message: what every browser passes on without taking it apart (RFC 8831 section 6.6). */
export const CHUNK = 16 * 1024;
/** Bytes that may be under way and not yet written. */
export const WINDOW = 4 * 1024 * 1024;
/** The longest message on "files", in UTF-16 units. */
export const LONGEST = 4096;
/** The longest name, in code points. */
export const LONGEST_NAME = 120;

export const CONTROL = 'files';
export const labelOf = (id) => `file:${id}`;
/** The transfer that a channel is for, or null. */
export const idOf = (label) => (label.startsWith('file:') && isId(label.slice(5)) ? label.slice(5) : null);

export const REFUSALS = ['person', 'too_large', 'too_many', 'no_room', 'no_files'];
export const FAILURES = ['hash', 'no_room', 'disk', 'unreadable', 'protocol'];

const isId = (value) => typeof value === 'string' && /^[A-Za-z0-9-]{1,36}$/.test(value);
const isSize = (value) => Number.isSafeInteger(value) && value >= 0;
const isDigest = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isText = (most) => (value) => typeof value === 'string' && value.length <= most;

const FIELDS = {
  offer: { name: isText(1024), size: isSize, mime: isText(128), hash: (value) => value === 'sha-256' },
  accept: { from: isSize },
  refuse: { reason: (value) => REFUSALS.includes(value) },
  pause: {},
  resume: {},
  cancel: {},
  done: { sha256: isDigest },
  verified: {},
  failed: { reason: (value) => FAILURES.includes(value) },
  recall: { proof: isDigest },
};

/**
 * A message of "files" as it may be used: the fields it must have and no others, a name made harmless. Null for anything
 * else, however it came to be.
 * @param {unknown} text
 */
export function parse(text) {
  const message = objectIn(text);
  if (message === null || !Object.hasOwn(FIELDS, message.type)) return null;
  const { type, id } = message;
  if (type !== 'recall' && !isId(id)) return null;
  const checked = type === 'recall' ? { type } : { type, id };
  for (const [field, holds] of Object.entries(FIELDS[message.type])) {
    if (!Object.hasOwn(message, field) || !holds(message[field])) return null;
    checked[field] = message[field];
  }
  if (checked.type === 'offer') {
    checked.name = harmlessName(checked.name);
    checked.mime = harmlessMime(checked.mime);
  }
  return checked;
}

/**
 * Proves from one participant to another that it knows a transfer's id, which nobody but the two has heard, without telling
 * it; and is of no use to anybody else.
 */
export const proofOf = (id, from, to) => new Sha256().update(new TextEncoder().encode(`${id} ${from} ${to}`)).hex();

/** How much the receiver says is written, or null for anything else. */
export function parseWritten(text) {
  const message = objectIn(text);
  return message?.type === 'written' && isSize(message.bytes) ? message.bytes : null;
}

function objectIn(text) {
  if (typeof text !== 'string' || text.length > LONGEST) return null;
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** What no name on a disk or on the page may have: controls, what changes the direction or is not seen, surrogates alone. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** What means something in a path or to a shell of some system. */
const MEANS_SOMETHING = /[/\\:*?"<>|]/g;
/** Names that Windows takes for devices, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * A name of the other page's choosing, as one file's name in one folder: no path, nothing unseen, no name that a system keeps
 * for itself, bounded; its ending survives where it can.
 */
export function harmlessName(name) {
  const plain = name
    .replace(UNSEEN, '')
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(MEANS_SOMETHING, '_')
    .trim()
    .replace(/^\.+/, '')
    .replace(/[. ]+$/, '');
  const safe = DEVICE.test(plain) ? `_${plain}` : plain;
  const points = [...safe];
  if (points.length === 0) return 'file';
  if (points.length <= LONGEST_NAME) return safe;
  const ending = /\.[\p{L}\p{N}]{1,12}$/u.exec(safe)?.[0] ?? '';
  const begin = points.slice(0, LONGEST_NAME - [...ending].length).join('');
  return `${begin.replace(/[. ]+$/, '')}${ending}`;
}

/** A type that a browser may be given with the file: plain `type/subtype`, or none. */
const harmlessMime = (mime) => (/^[\w.+-]{1,63}\/[\w.+-]{1,63}$/.test(mime) ? mime.toLowerCase() : '');
