/**
 * Who came and who went, told in a sentence now and then: many at once are one sentence, and who is
 * back before it was told is in none.
 */

/** So long a sentence waits for more of the kind. */
const GATHER_MS = 1500;

/**
 * @param {object} options
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {(what: {came: string[], went: string[]}) => void} options.tell names
 */
export function createComings({ timers, tell }) {
  let came = new Map();
  let went = new Map();
  let timer = null;

  function flush() {
    timer = null;
    const what = { came: [...came.values()], went: [...went.values()] };
    came = new Map();
    went = new Map();
    if (what.came.length + what.went.length > 0) tell(what);
  }
  const later = () => {
    timer ??= timers.setTimeout(flush, GATHER_MS);
  };

  return {
    arrived({ id, name }) {
      came.set(id, name);
      later();
    },
    left({ id, name }) {
      // Nobody has heard of the coming.
      if (!came.delete(id)) went.set(id, name);
      later();
    },
    renamed({ id, name }) {
      if (came.has(id)) came.set(id, name);
    },
    /** Nothing of it matters any more. */
    clear() {
      timers.clearTimeout(timer);
      timer = null;
      came = new Map();
      went = new Map();
    },
  };
}
