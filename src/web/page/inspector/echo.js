/**
 * Round trips by a data channel on which the other side sends back what it gets. One question at a
 * time on its way; none that is not answered is waited for longer than a while.
 */

/** How often it asks, and how many answers are kept. */
const EVERY_MS = 200;
const KEPT = 100;
/** An answer that has not come by then does not come: the channel may lose messages. */
const PATIENCE_MS = 3000;

/**
 * @param {object} options
 * @param {() => RTCDataChannel | null} options.channel the one to use, as of now
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {() => void} options.changed
 */
export function createEcho({ channel, timers, changed }) {
  let using = null;
  let timer = null;
  let waiting = null;
  let number = 0;
  let trips = [];
  let lost = 0;

  function hear({ data }) {
    if (waiting === null || data !== waiting.text) return;
    trips.push(timers.now() - waiting.at);
    if (trips.length > KEPT) trips.shift();
    waiting = null;
    changed();
  }

  function use(next) {
    if (next === using) return;
    using?.removeEventListener('message', hear);
    using = next;
    waiting = null;
    using?.addEventListener('message', hear);
  }

  function ask() {
    timer = timers.setTimeout(ask, EVERY_MS);
    const now = channel();
    use(now?.readyState === 'open' ? now : null);
    if (waiting !== null && timers.now() - waiting.at >= PATIENCE_MS) {
      waiting = null;
      lost += 1;
      changed();
    }
    if (using === null || waiting !== null) return;
    number += 1;
    const text = `echo ${number}`;
    waiting = { text, at: timers.now() };
    try {
      using.send(text);
    } catch {
      // It has closed a moment ago.
      waiting = null;
    }
  }

  return {
    get there() {
      return channel()?.readyState === 'open';
    },
    get running() {
      return timer !== null;
    },
    start() {
      if (timer !== null) return;
      trips = [];
      lost = 0;
      ask();
      changed();
    },
    stop() {
      timers.clearTimeout(timer);
      timer = null;
      use(null);
      changed();
    },
    get trips() {
      return trips;
    },
    get summary() {
      return { ...roundTrips(trips), lost };
    },
  };
}

/** @param {number[]} trips in ms, in the order in which they came */
export function roundTrips(trips) {
  if (trips.length === 0) return { count: 0, last: null, median: null, high: null };
  const sorted = [...trips].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return { count: trips.length, last: trips.at(-1), median: at(0.5), high: at(0.95) };
}
