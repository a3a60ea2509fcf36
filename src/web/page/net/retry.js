/**
 * When to try again: waits that grow, with jitter, so that many pages do not come back at once.
 * Pure: numbers in, numbers out.
 */

/** The first wait after a connection that worked: the daemon may already be back. */
const FIRST_MS = 150;
/** The second wait, and how much longer each further one is. */
const BASE_MS = 400;
const GROWTH = 1.35;
/** No wait is longer, jitter aside: a daemon that is back is found within 3 s. */
const CAP_MS = 2000;
/** After so many attempts, more than a minute, nobody is sitting there waiting. */
const PATIENT_FROM = 40;
const PATIENT_MS = 6000;

/** A connection that lived this long makes the next loss a first one again. */
export const SETTLED_MS = 5000;

/**
 * How long to wait before an attempt.
 * @param {number} attempt 1 for the first after a loss.
 * @param {() => number} random 0 to 1.
 * @returns {number} milliseconds
 */
export function retryDelay(attempt, random) {
  if (attempt <= 1) return FIRST_MS * (0.5 + random());
  const cap = attempt < PATIENT_FROM ? CAP_MS : PATIENT_MS;
  const full = Math.min(cap, BASE_MS * GROWTH ** Math.min(attempt - 2, 16));
  return full * (0.75 + random() / 2);
}

/**
 * How long to wait after a `bye` that asked to come back: never sooner than it said.
 * @param {number} retryMs
 * @param {() => number} random 0 to 1.
 * @returns {number} milliseconds
 */
export function delayAfterBye(retryMs, random) {
  const asked = Math.min(Math.max(0, retryMs), 10 * 60 * 1000);
  return asked + random() * Math.min(500, 50 + asked / 2);
}

/**
 * How long to wait for the answer to a question whether the daemon is there, before it is asked
 * anew: over a network that has just come back, a new question is sooner there than one that was
 * lost.
 * @param {number} times 1 for the first
 * @returns {number} milliseconds
 */
export const probeMs = (times) => Math.min(6000, 1000 * 1.5 ** (Math.max(1, times) - 1));
