/**
 * When to try again: waits that grow, with jitter, so that many pages do not come back at once.
 * Pure: numbers in, numbers out.
 */

/** The first wait after a connection that worked: the daemon may already be back. */
const FIRST_MS = 150;
/** The second wait; each further one is twice as long. */
const BASE_MS = 500;
/** No wait is longer, jitter aside. */
const CAP_MS = 8000;

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
  const full = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt - 2, 16));
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
