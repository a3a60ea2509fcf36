/**
 * What is sent of each source, of what could be, and how to put that for people. Pure.
 * @typedef {{width: number, height: number, framerate: number, bitrateKbps: number}} Rung
 * @typedef {{automatic: boolean, rung: number, tooSlow: boolean, rungs: Rung[]}} Rendition `rung`
 *   is what comes now, an index of `rungs`, the best of which is the first
 */

const isPositive = (value) => Number.isFinite(value) && value > 0;

function rungFrom({ width, height, framerate, bitrate_kbps: bitrateKbps } = {}) {
  return { width, height, framerate, bitrateKbps };
}

/** @returns {Rendition | null} null where the message does not say what it should */
function renditionFrom({ automatic, rung, too_slow: tooSlow, rungs }) {
  if (!Array.isArray(rungs)) return null;
  const known = rungs.map((each) => rungFrom(each ?? undefined));
  const whole = known.every((each) => Object.values(each).every(isPositive));
  if (!whole || !Number.isInteger(rung) || known[rung] === undefined) return null;
  return { automatic: automatic !== false, rung, tooSlow: tooSlow === true, rungs: known };
}

/**
 * @param {Record<string, Rendition>} renditions by the source's name
 * @param {object} message `rendition`
 * @returns {Record<string, Rendition>} with the message applied; the same object where it says
 *   nothing new, or nothing that can be understood
 */
export function withRendition(renditions, message) {
  const next = renditionFrom(message);
  if (next === null || typeof message.source !== 'string') return renditions;
  const known = Object.hasOwn(renditions, message.source) ? renditions[message.source] : null;
  if (JSON.stringify(known) === JSON.stringify(next)) return renditions;
  return { ...renditions, [message.source]: next };
}

/** @returns {Rendition | null} of a source */
export const renditionOf = (renditions, name) => (Object.hasOwn(renditions, name) ? renditions[name] : null);

/** @returns {number | null} the rung chosen for a source; null for automatic */
export const chosenRung = (chosen, name) => (Object.hasOwn(chosen, name) ? chosen[name] : null);

/** `chosen` with a source's rung, or without where it is null. */
export function withChoice(chosen, name, rung) {
  const { [name]: _, ...rest } = chosen;
  return rung === null ? rest : { ...rest, [name]: rung };
}

/** Whether there is something to choose. */
export const hasChoice = (rendition) => rendition !== null && rendition.rungs.length > 1;

/** Whether the daemon has stepped down because the viewer's link carries no more. */
export const isReduced = (rendition) => rendition !== null && rendition.automatic && rendition.rung > 0;

/** The key of the sentence for a link that does not carry what is sent; null where it does. */
export function slowKey(rendition) {
  if (rendition === null || !rendition.tooSlow) return null;
  return rendition.automatic || rendition.rung === rendition.rungs.length - 1 ? 'quality.slow' : 'quality.slow_chosen';
}

const area = ({ width, height }) => width * height;
/** What differs by less than this is the same size: encoders take even numbers only. */
const SAME_SIZE = 0.95;

/** The key of the word for a rung: what a person sees of it, beside the others. */
export function rungKey(rungs, index) {
  const rung = rungs[index];
  const largest = Math.max(...rungs.map(area));
  const isLarge = (each) => area(each) >= largest * SAME_SIZE;
  if (isLarge(rung)) {
    const quickest = Math.max(...rungs.filter(isLarge).map(({ framerate }) => framerate));
    if (rung.framerate < quickest) return 'quality.rung.slow';
    const richest = Math.max(
      ...rungs.filter((each) => isLarge(each) && each.framerate === quickest).map(({ bitrateKbps }) => bitrateKbps),
    );
    return rung.bitrateKbps < richest ? 'quality.rung.coarse' : 'quality.rung.full';
  }
  return area(rung) * SAME_SIZE <= Math.min(...rungs.map(area)) ? 'quality.rung.small' : 'quality.rung.medium';
}
