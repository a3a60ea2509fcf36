/**
 * A session beside the one that runs, to take its place: nobody hears of it until something flows by it.
 * Then all that it has told is told in order, and it is the session.
 */

/**
 * @param {object} options
 * @param {(on: object) => object} options.startSession
 * @param {string[]} options.names of the session's handlers
 * @param {(session: object, hear: (on: object) => void) => void} options.onFlows media has come; `hear`
 *   takes the handlers to which everything is told from then on, and first what was told before
 * @param {() => void} options.onFailed it has come to nothing, and is over
 * @returns {{leave: () => void}}
 */
export function startTrial({ startSession, names, onFlows, onFailed }) {
  let told = [];
  let on = null;
  let over = false;
  /** What a session tells while it is being made is told before there is one. */
  let flowed = false;
  let session = null;

  const note = (name) => (...values) => {
    if (over) return;
    if (on !== null) on[name]?.(...values);
    else told.push([name, values]);
  };

  function flows() {
    flowed = true;
    if (over || on !== null || session === null) return;
    session.stay();
    onFlows(session, (handlers) => {
      on = handlers;
      const before = told;
      told = [];
      for (const [name, values] of before) on[name]?.(...values);
    });
  }

  function end(how) {
    if (on !== null) on.end(how);
    else if (!over) {
      over = true;
      onFailed();
    }
  }

  const handlers = Object.fromEntries(names.map((name) => [name, note(name)]));
  session = startSession({ ...handlers, doubt: () => on?.doubt(), flows, end });
  if (flowed) flows();

  return {
    /** Gives it up; nothing follows. */
    leave() {
      if (over || on !== null) return;
      over = true;
      session.leave();
    },
  };
}
