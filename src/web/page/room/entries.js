/**
 * What the chat shows, line by line: what was said, put together by who says it, between the days, and
 * who came and went. Pure.
 * @typedef {{kind: 'day' | 'gap' | 'coming' | 'said', key: string}} Entry `said` has its message, and
 *   `first`: whether it begins with a name
 */

/** What one says within so long stands under one name. */
const TOGETHER_MS = 5 * 60_000;

const dayOf = (timeMs) => new Date(timeMs).toDateString();

/**
 * @param {readonly import('./log.js').Said[]} messages
 * @param {readonly {key: string, after: string | null, timeMs: number}[]} comings each behind the message with the key
 *   `after`; null: before all
 * @returns {Entry[]}
 */
export function entriesOf(messages, comings) {
  const entries = [];
  const waiting = grouped(comings);
  let day = null;
  let last = null;

  function begin(timeMs, key) {
    const next = dayOf(timeMs);
    if (next === day) return;
    day = next;
    last = null;
    entries.push({ kind: 'day', key: `day-${key}`, timeMs });
  }
  function come(after) {
    for (const coming of waiting.get(after) ?? []) {
      begin(coming.timeMs, coming.key);
      entries.push({ kind: 'coming', ...coming });
      last = null;
    }
  }

  come(null);
  for (const said of messages) {
    begin(said.timeMs, said.key);
    if (said.after) {
      entries.push({ kind: 'gap', key: `gap-${said.key}` });
      last = null;
    }
    const together = last !== null && last.from === said.from && last.name === said.name && said.timeMs - last.timeMs < TOGETHER_MS;
    entries.push({ kind: 'said', key: `${said.key}${together ? '' : '-first'}`, said, first: !together });
    // The name stands at the first: from there its time counts.
    if (!together) last = said;
    come(said.key);
  }
  return entries;
}

function grouped(comings) {
  const groups = new Map();
  for (const coming of comings) groups.set(coming.after, [...(groups.get(coming.after) ?? []), coming]);
  return groups;
}

/** How a day is called: `room.today`, `room.yesterday`, or by its date. */
export function dayWords(timeMs, nowMs, t, language) {
  const day = dayOf(timeMs);
  if (day === dayOf(nowMs)) return t('room.today');
  if (day === dayOf(nowMs - 864e5)) return t('room.yesterday');
  const year = new Date(timeMs).getFullYear() === new Date(nowMs).getFullYear() ? {} : { year: 'numeric' };
  return new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long', ...year }).format(timeMs);
}

/** The browser's own kind of the page's language: it may count the hours otherwise. */
export const localeOf = (lang, languages) => languages.find((each) => each.toLowerCase().split('-')[0] === lang) ?? lang;
