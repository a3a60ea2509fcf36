/**
 * Names: as initials, in a row, and as the daemon takes them. Pure.
 */

/** How long a name may be, in characters: the daemon's bound. */
export const LONGEST_NAME = 40;
/** What a name cannot have: it would change how the text around it reads. */
const UNSEEN = /[\p{Cc}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;

const characters = (text) => {
  if (typeof Intl.Segmenter !== 'function') return [...text];
  return [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment);
};

/** @returns {string | null} the name that is meant; null where there is none */
export function nameFrom(text) {
  const name = [...text.replace(UNSEEN, '').trim()].slice(0, LONGEST_NAME).join('').trim();
  return name === '' ? null : name;
}

/** One or two characters that stand for a name. */
export function initialsOf(name) {
  const words = name.split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const firsts = words.map((word) => characters(word.replace(/^[^\p{L}\p{N}]+/u, ''))[0]);
  if (firsts.length === 0) return characters(name.trim())[0] ?? '?';
  return (firsts.length === 1 ? firsts[0] : `${firsts[0]}${firsts.at(-1)}`).toLocaleUpperCase();
}

/** Of so many, two are named. */
const NAMED = 2;

/**
 * Names in a row, the later ones as a number, by the words of `room.came`, `room.went`.
 * @param {'came' | 'went'} what
 * @param {string[]} names at least one
 */
export function inWords(t, what, names) {
  const [one, two] = names;
  if (names.length === 1) return t(`room.${what}.one`, { one });
  if (names.length === 2) return t(`room.${what}.two`, { one, two });
  return t(`room.${what}.more`, { one, two, count: names.length - NAMED });
}

/** This page's own first; the others in the order of their coming. */
export const ordered = (people, me) => [...people.filter(({ id }) => id === me?.id), ...people.filter(({ id }) => id !== me?.id)];
