/**
 * The daemon's clock as seen from here, from the times of pings and pongs (the way of NTP,
 * RFC 5905 section 8, with one server time). Pure: times are arguments.
 */

/** Samples kept; the one with the shortest round trip is believed. */
const WINDOW = 20;
/** Nothing older is believed: a clock is wrong then. */
const ABSURD_MS = 60_000;

export class ServerClock {
  #samples = [];

  /**
   * One ping and its pong.
   * @param {number} sentMs local time when the ping was sent, in ms since 1970
   * @param {number} receivedMs local time when the pong came
   * @param {number} serverMs the daemon's time in the pong
   */
  add(sentMs, receivedMs, serverMs) {
    const roundTripMs = receivedMs - sentMs;
    if (!(roundTripMs >= 0) || !Number.isFinite(serverMs)) return;
    this.#samples.push({ roundTripMs, offsetMs: serverMs - (sentMs + receivedMs) / 2 });
    if (this.#samples.length > WINDOW) this.#samples.shift();
  }

  get #best() {
    return this.#samples.reduce(
      (best, sample) => (best === null || sample.roundTripMs < best.roundTripMs ? sample : best),
      null,
    );
  }

  /** Milliseconds that the daemon's clock is ahead of ours, or null before the first pong. */
  get offsetMs() {
    return this.#best?.offsetMs ?? null;
  }

  /**
   * How long ago a time of the daemon's was, or null where that cannot be known.
   * @param {number} serverMs @param {number} nowMs local time in ms since 1970
   */
  ageOf(serverMs, nowMs) {
    const best = this.#best;
    if (best === null) return null;
    const age = nowMs + best.offsetMs - serverMs;
    // What is measured may be wrong by half a round trip; a clock that was set is wrong by far more.
    if (age < -best.roundTripMs || age > ABSURD_MS) return null;
    return Math.max(0, age);
  }

  /** How far the offset may be wrong: half of the shortest round trip. */
  get uncertaintyMs() {
    const best = this.#best;
    return best === null ? null : best.roundTripMs / 2;
  }

  /** The round trip of the last ping: the signalling's, not the media's. */
  get lastRoundTripMs() {
    return this.#samples.at(-1)?.roundTripMs ?? null;
  }
}
