/**
 * What was said in a room, in its order. Each message comes in here once or many times, early or
 * late; it is in the log once, in its place. Pure.
 * @typedef {{seq: number, id: string, from: number, name: string, colour: number, timeMs: number,
 *   text: string, after: boolean, key: string}} Said `after`: what was said before it is not to be had any
 *   more; `key`: unlike every other's, also where the room has begun to count anew
 */

const isCount = (value) => Number.isSafeInteger(value) && value > 0;

/** @returns {Said | null} null where the message does not say what it should */
export function saidFrom(told) {
  const { seq, id, from, name, colour, time_ms: timeMs, text } = told ?? {};
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
    key: '',
  };
}

/** Of what comes ahead of its turn, so much is kept; the rest is asked for again. */
const MOST_EARLY = 500;
/** So many are kept: the oldest go. */
const MOST = 5000;

const isSame = (one, other) => one.seq === other.seq && one.id === other.id && one.timeMs === other.timeMs;

export class Log {
  /** @type {readonly Said[]} in order; a new list with each change */
  messages = [];
  /** The last number up to which nothing is missing. */
  last = 0;
  /** Those that came ahead of their turn, by their number. */
  #early = new Map();
  /** Rises when a room begins to count anew. */
  #era = 0;

  /** Whether something is missing before what has come. */
  get gap() {
    return this.#early.size > 0;
  }

  /**
   * Takes one message.
   * @param {Said} said
   * @returns {Said[]} those that are in the log now and were not before
   */
  add(said) {
    const { seq } = said;
    if (seq <= this.last || (seq > this.last + 1 && this.#early.size >= MOST_EARLY)) return [];
    this.#early.set(seq, said);
    return this.#take();
  }

  /**
   * Takes what was asked for: all that there is after a number that the log had then. What is missing
   * at its beginning is gone for good.
   * @param {Said[]} history in order
   * @returns {Said[]} as `add`
   */
  fill(history) {
    const [first, ...rest] = history.filter(({ seq }) => seq > this.last);
    if (first === undefined) return [];
    for (const each of rest) this.#early.set(each.seq, each);
    return this.#take({ ...first, after: first.seq > this.last + 1 });
  }

  /**
   * Takes all that the room knows, after an absence in which it may have begun anew: then what was
   * said before stays in front.
   * @param {Said[]} history in order
   * @returns {Said[]} as `add`
   */
  restart(history) {
    const known = new Map(this.messages.filter(({ key }) => this.#isOfNow(key)).map((each) => [each.seq, each]));
    this.#early.clear();
    if (history.some((each) => known.has(each.seq) && isSame(known.get(each.seq), each))) return this.fill(history);
    this.#era += 1;
    this.last = 0;
    return this.fill(history);
  }

  #isOfNow = (key) => key.startsWith(`${this.#era}-`);

  /** Moves into the log what has its turn. @param {Said} [first] has it in any case */
  #take(first) {
    const taken = [];
    let next = first ?? this.#early.get(this.last + 1);
    while (next !== undefined) {
      taken.push({ ...next, key: `${this.#era}-${next.seq}` });
      this.last = next.seq;
      next = this.#early.get(this.last + 1);
    }
    if (taken.length === 0) return taken;
    for (const seq of this.#early.keys()) if (seq <= this.last) this.#early.delete(seq);
    this.messages = [...this.messages, ...taken].slice(-MOST);
    return taken;
  }
}
