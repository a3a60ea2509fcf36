/**
 * Samples on their way to the loudspeaker: what came is kept until it is played, never longer than a
 * bound. Pure: no clock, no audio.
 */

/** What is kept before it is played, so that a late frame is not missed. */
const TARGET_MS = 60;
/** What is kept at most: the oldest goes beyond it. */
const MOST_MS = 200;

export class JitterBuffer {
  #rate;
  #channels;
  /** `Float32Array[]` by channel, oldest first; `#at` samples of the first are played. */
  #chunks = [];
  #at = 0;
  #kept = 0;
  /** Whether it plays; until the target is reached it does not. */
  #plays = false;
  dropped = 0;
  missed = 0;

  /** @param {number} rate samples a second @param {number} channels */
  constructor(rate, channels = 2) {
    this.#rate = rate;
    this.#channels = channels;
  }

  #samples(ms) {
    return Math.round((this.#rate * ms) / 1000);
  }

  /** How much is kept, in ms. */
  get keptMs() {
    return (this.#kept * 1000) / this.#rate;
  }

  /** @param {Float32Array[]} chunk a channel's samples each; one channel is played on all */
  push(chunk) {
    const length = chunk[0]?.length ?? 0;
    if (length === 0) return;
    this.#chunks.push(chunk);
    this.#kept += length;
    // Down to the target, not to the bound: one gap rather than one at each frame.
    if (this.#kept > this.#samples(MOST_MS)) this.#drop(this.#kept - this.#samples(TARGET_MS));
    if (this.#kept >= this.#samples(TARGET_MS)) this.#plays = true;
  }

  #drop(count) {
    this.dropped += count;
    this.#take(count, null);
  }

  /** Fills one block with what is due; with silence where there is nothing. @param {Float32Array[]} out */
  pull(out) {
    const length = out[0]?.length ?? 0;
    for (const channel of out) channel.fill(0);
    if (!this.#plays) return;
    const there = Math.min(length, this.#kept);
    this.#take(there, out);
    if (there < length) {
      this.missed += length - there;
      this.#plays = false;
    }
  }

  #take(count, out) {
    let done = 0;
    while (done < count) {
      const chunk = this.#chunks[0];
      const part = Math.min(count - done, chunk[0].length - this.#at);
      if (out !== null) {
        out.forEach((channel, index) => {
          const samples = chunk[Math.min(index, chunk.length - 1, this.#channels - 1)];
          channel.set(samples.subarray(this.#at, this.#at + part), done);
        });
      }
      done += part;
      this.#at += part;
      if (this.#at >= chunk[0].length) {
        this.#chunks.shift();
        this.#at = 0;
      }
    }
    this.#kept -= count;
  }
}
