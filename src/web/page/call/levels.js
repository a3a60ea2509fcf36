/**
 * How loud each is, and who speaks. The own microphone is measured by an analyser, before it is sent;
 * the others by what their packets say of themselves (RFC 6464), which costs nothing and works
 * before the browser lets sound be played.
 */

/** How often it is looked. */
export const LOOK_MS = 100;
/** From here on somebody speaks; below the second, nobody; of full scale. */
const SPEAKS = 0.035;
const SILENT = 0.015;
/** Words have gaps: who has spoken is taken to speak for so long. */
const HOLD_MS = 700;
/** One click of a keyboard is no word. */
const LOOKS = 2;

/** Who speaks, with hysteresis: one for each person. Pure. */
export class Speaking {
  #is = false;
  #loud = 0;
  #quietSince = null;

  /** @param {number} level 0 to 1 @param {number} now in ms @returns {boolean} */
  add(level, now) {
    if (level >= SPEAKS) {
      this.#loud += 1;
      this.#quietSince = null;
      if (this.#loud >= LOOKS) this.#is = true;
    } else if (level < SILENT) {
      this.#loud = 0;
      this.#quietSince ??= now;
      if (now - this.#quietSince >= HOLD_MS) this.#is = false;
    }
    return this.#is;
  }
}

/** Where on a meter a level is: ears hear by powers. @param {number} level 0 to 1 */
export const onMeter = (level) => Math.min(1, Math.sqrt(Math.max(0, level)) * 1.3);

/**
 * Measures one microphone at a time; holds an AudioContext only while it does.
 * @param {object} options
 * @param {typeof AudioContext} options.AudioContext
 * @param {(track: MediaStreamTrack) => MediaStream} options.streamOf
 */
export function createMeter({ AudioContext, streamOf }) {
  let context = null;
  let source = null;
  let analyser = null;
  let samples = null;
  let measured = null;

  function stop() {
    source?.disconnect();
    void context?.close().catch(() => {});
    context = null;
    source = null;
    analyser = null;
    measured = null;
  }

  return {
    /** Measures that track from now on; null frees everything. */
    use(track) {
      if (track === measured) return;
      stop();
      if (track === null || AudioContext === undefined) return;
      measured = track;
      context = new AudioContext();
      source = context.createMediaStreamSource(streamOf(track));
      analyser = context.createAnalyser();
      analyser.fftSize = 1024;
      samples = new Float32Array(analyser.fftSize);
      source.connect(analyser);
    },

    /** The root mean square of the last moments, 0 to 1. */
    level() {
      if (analyser === null) return 0;
      // A browser that wants a click first gives it later.
      if (context.state === 'suspended') void context.resume().catch(() => {});
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      return Math.sqrt(sum / samples.length);
    },
  };
}

/** An answer older than this is of somebody who sends nothing now. */
const STALE_MS = 600;

/**
 * What a receiver says of the sound that comes, 0 to 1.
 * @param {RTCRtpReceiver | null} receiver
 * @param {number} now on the clock of `performance.timeOrigin`
 */
export function receivedLevel(receiver, now) {
  const [latest] = receiver?.getSynchronizationSources?.() ?? [];
  if (latest === undefined || now - latest.timestamp > STALE_MS) return 0;
  return latest.audioLevel ?? 0;
}
