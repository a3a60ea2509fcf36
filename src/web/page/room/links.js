/**
 * Text that people have written, in parts: what is a link, and what is not. Pure; nothing is ever read
 * as markup.
 */

/** Where a link may begin: not in the middle of a word. */
const BEGINS = /(?<![\p{L}\p{N}_@/:.-])https?:\/\/[^\s<>"“”«»\u0000-\u001f\u007f]+/giu;
/** At a link's end these are the sentence's. */
const ENDS = new Set('.,;:!?\'’*_~…]}|');

/** A closing bracket is the link's where an opening one is in it: as in an encyclopaedia's. */
function trimmed(text) {
  const count = (bracket) => text.split(bracket).length - 1;
  let spare = count(')') - count('(');
  let end = text.length;
  for (; end > 0; end -= 1) {
    const last = text[end - 1];
    if (last === ')' && spare > 0) spare -= 1;
    else if (!ENDS.has(last)) break;
  }
  return text.slice(0, end);
}

/** The address that a text names, as the browser would go there; null where it is none to go to. */
function addressOf(text) {
  try {
    const { protocol, hostname, href, username, password } = new URL(text);
    // What stands before an @ is there to look like another host.
    const isPlain = ['http:', 'https:'].includes(protocol) && hostname !== '' && username === '' && password === '';
    return isPlain ? href : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} text
 * @returns {{text: string, href: string | null}[]} all of the text, in order
 */
export function partsOf(text) {
  const parts = [];
  const add = (words, href) => {
    if (words === '') return;
    if (href === null && parts.at(-1)?.href === null) parts.at(-1).text += words;
    else parts.push({ text: words, href });
  };
  let from = 0;
  for (const { 0: found, index } of text.matchAll(BEGINS)) {
    const link = trimmed(found);
    const href = addressOf(link);
    add(text.slice(from, index), null);
    add(link, href);
    from = index + link.length;
  }
  add(text.slice(from), null);
  return parts;
}
