/**
 * The sources as the page knows them: pure functions over a list.
 * @typedef {{name: string, title: string, kind: string, media: string[], state: string,
 *   cause: string | null, detail: string, by: string | null,
 *   failures: number}} Source `by`: who has paused it, `machine` or `admin`; `failures`: how often it has failed
 */

const STATES = new Set(['idle', 'starting', 'live', 'paused', 'failed']);

function stateOf({ state, cause = null, detail = '', by = null, failures = 0 }) {
  const known = STATES.has(state) ? state : 'idle';
  const none = { state: known, cause: null, detail: '', by: null, failures };
  if (known === 'paused') return { ...none, by };
  return known === 'failed' ? { ...none, cause, detail } : none;
}

/** @returns {Source[]} of a `welcome`, or of `sources` */
export function sourcesFrom(message) {
  return message.sources.map((source) => ({
    name: source.name,
    title: source.title || source.name,
    kind: source.kind,
    media: source.media,
    ...stateOf(source),
  }));
}

/** @returns {Source[]} with one `source` message applied; the same list when it says nothing new */
export function withState(sources, message) {
  const next = stateOf(message);
  let changed = false;
  const list = sources.map((source) => {
    const same = Object.keys(next).every((key) => source[key] === next[key]);
    if (source.name !== message.name || same) return source;
    changed = true;
    return { ...source, ...next };
  });
  return changed ? list : sources;
}

export const hasVideo = (source) => source.media.includes('video');
export const hasAudio = (source) => source.media.includes('audio');

/** The sources that are shown: those not hidden. */
export const shown = (sources, hidden) => sources.filter(({ name }) => !hidden.includes(name));

/** The one that is big: the chosen one if it is shown, otherwise the first. */
export function bigOf(names, chosen) {
  return names.includes(chosen) ? chosen : (names[0] ?? null);
}

/** The name after `current`, round and round. */
export function after(names, current, step = 1) {
  if (names.length === 0) return null;
  const index = names.indexOf(current);
  return names[(Math.max(0, index) + step + names.length) % names.length];
}

/** `list` with `item` in it, or without. */
export function toggled(list, item, on = !list.includes(item)) {
  const rest = list.filter((each) => each !== item);
  return on ? [...rest, item] : rest;
}
