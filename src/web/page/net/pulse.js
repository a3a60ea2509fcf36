/**
 * Whether media comes, read from `getStats` (W3C webrtc-stats) a few times a second. Pure: reports
 * and times are arguments.
 */

import { selectedPair } from '../stats/report.js';

/** Silence that is always borne: a still screen sends a picture a second. */
const LEAST_MS = 1300;
/** Silence that is borne of a picture that moves. */
const SUSPECT_MS = 350;
/** Of the longest pause of late: what comes seldom is missed late. */
const PAUSES = 1.6;
/** Pauses older than this are forgotten. */
const MEMORY_MS = 15_000;
/** So often it has to have come before it is missed. */
const USUAL = 3;

/**
 * What this page counts of a report.
 * @param {Iterable<[string, object]>} report
 * @returns {{media: number, path: Map<string, number>}} packets of media; answers and bytes by
 *   the path (candidate pair) in use
 */
export function countersOf(report) {
  const all = new Map(report);
  let media = 0;
  for (const stats of all.values()) if (stats.type === 'inbound-rtp') media += stats.packetsReceived ?? 0;
  const pair = selectedPair(all);
  const path = new Map();
  // Answers to this browser's own checks (RFC 7675): the way is open in both directions.
  if (pair !== null) path.set(pair.id, (pair.responsesReceived ?? 0) + (pair.bytesReceived ?? 0));
  return { media, path };
}

export class Pulse {
  #media = null;
  #path = new Map();
  #at = null;
  #quietMs = 0;
  #times = 0;
  /** How long media has paused, and when. */
  #pauses = [];

  /**
   * @param {{media: number, path: Map<string, number>}} counters
   * @param {number} at when, in ms
   * @param {number} mostMs time beyond this since the last look was not seen, and does not count
   * @param {boolean} [broken] the path was: a pause that ends now is not how media usually comes
   * @returns {{media: boolean, path: boolean}} what has come since the last look
   */
  add({ media, path }, at, mostMs, broken = false) {
    const passed = this.#at === null ? 0 : Math.min(mostMs, at - this.#at);
    const came = this.#media !== null && media > this.#media;
    const answered = [...path].some(([id, count]) => count > (this.#path.get(id) ?? (this.#at === null ? Infinity : 0)));
    this.#at = at;
    this.#media = media;
    this.#path = path;
    if (came) {
      this.#pauses = this.#pauses.filter((pause) => at - pause.at < MEMORY_MS);
      if (!broken) this.#pauses.push({ at, ms: this.#quietMs + passed });
      this.#times += 1;
      this.#quietMs = 0;
    } else {
      this.#quietMs += passed;
    }
    return { media: came, path: answered };
  }

  /** How long nothing has come. */
  get quietMs() {
    return this.#quietMs;
  }

  /** How long that may last: longer where media comes seldom. */
  get patienceMs() {
    return Math.max(LEAST_MS, PAUSES * this.#longest());
  }

  /** Silence after which it is asked whether the daemon is there at all, which costs a ping. */
  get doubtMs() {
    return Math.min(this.patienceMs / 2, Math.max(SUSPECT_MS, PAUSES * this.#longest()));
  }

  #longest() {
    return Math.max(0, ...this.#pauses.map(({ ms }) => ms));
  }

  /** Whether media has come often enough to be missed. */
  get usual() {
    return this.#times >= USUAL;
  }

  /** Media is not expected: its silence says nothing, and it has to become usual again. */
  rest() {
    this.#quietMs = 0;
    this.#times = 0;
    this.#pauses = [];
  }
}
