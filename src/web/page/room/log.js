/**
 * What was said in a room, in its order. Each message comes in here once or many times, early or
 * late; it is in the log once, in its place. Pure.
 * @typedef {{seq: number, id: string, from: number, name: string, colour: number, timeMs: number,
 *   text: string, after: boolean}} Said `after`: what was said before it is not to be had any more
 */

const isCount = (value) => Number.isSafeInteger(value) && value > 0;

/** @returns {Said | null} null where the message does not say what it should */
export function saidFrom({ seq, id, from, name, colour, time_ms: timeMs, text } = {}) {
  if (!isCount(seq) || typeof id !== 'string' || typeof text !== 'string') return null;
  return {
    seq,
    id,
    from,
    name: typeof name === 'string' ? name : '',
    colour: Number.isInteger(colour) ? colour : 0,
    timeMs: Number.isFinite(timeMs) ? timeMs : 0,
    text,
    after: false,
  };
}

/** Of what comes ahead of its turn, so much is kept; the rest is asked for again. */
const MOST_EARLY = 500;

const isSame = (one, other) => one.seq === other.seq && one.id === other.id && one.timeMs === other.timeMs;

export class Log {
  /** @type {readonly Said[]} in order, without gaps but for those marked `after`; a new list with each change */
  messages = [];
  /** Those that came ahead of their turn, by their number. */
  #early = new Map();

  /** The last number up to which nothing is missing. */
  get last() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** Whether something is missing before what has come. */
  get gap() {
    return this.#early.size > 0;
  }

  /**
   * Takes one message. Before the first history nothing is known to be missing.
   * @param {Said} said
   * @returns {Said[]} those that are in the log now and were not before
   */
  add(said) {
    if (said.seq <= this.last) return [];
    if (said.seq > this.last + 1 && this.#early.size >= MOST_EARLY) return [];
    this.#early.set(said.seq, said);
    return this.#take();
  }

  /**
   * Takes what was asked for: all that there is after `since`. What is missing at its beginning is
   * gone for good.
   * @param {Said[]} history in order
   * @returns {Said[]} as `add`
   */
  fill(history, since = this.last) {
    const fresh = history.filter(({ seq }) => seq > this.last);
    // A later question has been answered first: what is missing then is not gone.
    if (fresh.length > 0 && since <= this.last) {
      const [first, ...rest] = fresh;
      if (first.seq > this.last + 1) this.#jump(first);
      else this.#early.set(first.seq, first);
      for (const each of rest) this.#early.set(each.seq, each);
    }
    return this.#take();
  }

  /**
   * Takes all that the room knows, after an absence in which it may have begun anew: where both have
   * a message in common it is the same room, and what was there stays.
   * @param {Said[]} history in order
   * @returns {Said[]} those that are new
   */
  restart(history) {
    const known = new Map(this.messages.map((each) => [each.seq, each]));
    if (history.some((each) => known.has(each.seq) && isSame(known.get(each.seq), each))) return this.fill(history);
    const before = new Set(this.messages.map(({ id }) => id));
    this.messages = [];
    this.#early.clear();
    return this.fill(history).filter(({ id }) => !before.has(id));
  }

  /** Puts a message behind a gap that stays. */
  #jump(said) {
    this.messages = [...this.messages, { ...said, after: true }];
    for (const seq of this.#early.keys()) if (seq <= said.seq) this.#early.delete(seq);
    this.jumped = said;
  }

  /** Moves into the log what has its turn. */
  #take() {
    const taken = this.jumped ? [this.messages.at(-1)] : [];
    this.jumped = null;
    let next = this.last + 1;
    const more = [];
    while (this.#early.has(next)) {
      more.push(this.#early.get(next));
      this.#early.delete(next);
      next += 1;
    }
    if (more.length > 0) this.messages = [...this.messages, ...more];
    return [...taken, ...more];
  }
}
