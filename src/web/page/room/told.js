/**
 * What the daemon tells of rooms (docs/protocol.md), as the page has it; and where rooms are. Pure.
 * @typedef {{id: number, name: string, colour: number, mayTalk: boolean, call: boolean, camera: boolean,
 *   microphone: boolean, screen: boolean, deaf: boolean, hand: boolean, away: boolean, pictures: boolean}} Participant
 * @typedef {{name: string, title: string, people: number}} Room
 */

/** What a participant does, as it tells by `presence`. */
export const DOES = ['call', 'camera', 'microphone', 'screen', 'deaf', 'hand'];

/** Refusals of what is asked of a room. */
export const REFUSALS = new Set([
  'unknown_room',
  'room_full',
  'bad_name',
  'not_in_room',
  'may_not_talk',
  'call_full',
  'unknown_participant',
  'too_fast',
  'bad_text',
]);

/** @returns {Participant} */
export function participantFrom({ id, name, colour, may_talk: mayTalk = true, ...told }) {
  const participant = { id, name: String(name ?? ''), colour: Number.isInteger(colour) ? colour : 0, mayTalk };
  for (const each of [...DOES, 'away', 'pictures']) participant[each] = told[each] === true;
  return Object.freeze(participant);
}

/** @returns {Room[]} */
export const roomsFrom = (rooms) =>
  (Array.isArray(rooms) ? rooms : []).map(({ name, title, people }) => ({ name, title: title || name, people: people ?? 0 }));

export const limitsFrom = ({ people = 0, calls = 0, files_mib: filesMib = 0 } = {}) => ({ people, calls, filesMib });

/** The room of the page `/`. */
export const MAIN = 'main';

/** The name of the room whose page is at a path. */
export function roomOf(path) {
  const name = /^\/r\/([^/]+)\/?$/.exec(path)?.[1];
  if (name === undefined) return MAIN;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Where a room's page is. */
export const pathOf = (name) => (name === MAIN ? '/' : `/r/${encodeURIComponent(name)}`);

/** A message's id, also where the page is not in a secure context, which has no `randomUUID`. */
export function newId(crypto = globalThis.crypto) {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
