/**
 * The page's state: one object, replaced by patches, told to all who draw it once per turn.
 * Pure but for the microtask.
 */

/**
 * @template {object} State
 * @param {State} initial
 */
export function createStore(initial) {
  let state = Object.freeze({ ...initial });
  const listeners = new Set();
  let announced = true;

  function announce() {
    announced = true;
    for (const listener of [...listeners]) listener(state);
  }

  return {
    get: () => state,

    /** Replaces the named parts; a patch that changes nothing is not told. */
    set(patch) {
      const changed = Object.keys(patch).some((key) => !Object.is(state[key], patch[key]));
      if (!changed) return;
      state = Object.freeze({ ...state, ...patch });
      if (!announced) return;
      announced = false;
      queueMicrotask(announce);
    },

    /** Calls `listener` now and after each change. */
    subscribe(listener) {
      listeners.add(listener);
      listener(state);
      return () => listeners.delete(listener);
    },
  };
}
