/**
 * How old a picture is when it is shown, frame by frame (HTMLVideoElement
 * `requestVideoFrameCallback`). The element and the receiver are all it knows of the page.
 */

import { unixMs } from './report.js';

/** Frames over which the median is taken: two to four seconds. */
const WINDOW = 120;
/** Nothing older is believed: a clock is wrong then. */
const ABSURD_MS = 60_000;

/** The middle value, or null without values. */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * What one frame tells. Times are of the page's own clock (`performance.now`) but for
 * `source.captureTimestamp`, which is the sender's.
 * @param {VideoFrameCallbackMetadata} frame
 * @param {RTCRtpSynchronizationSource | undefined} source of the same frame
 * @param {{offsetMs: number | null, timeOriginMs: number}} clock
 * @returns {{captureMs: number | null, arrivalMs: number | null}} capture or arrival to display
 */
export function ages(frame, source, { offsetMs, timeOriginMs }) {
  const shown = frame.expectedDisplayTime;
  let captured = frame.captureTime ?? null;
  if (captured === null && offsetMs !== null && source?.captureTimestamp !== undefined) {
    // abs-capture-time: stamped by the daemon, in its clock.
    const stamp = unixMs(source.captureTimestamp);
    if (stamp !== null) captured = stamp - offsetMs - timeOriginMs;
  }
  return { captureMs: age(shown, captured), arrivalMs: age(shown, frame.receiveTime ?? null) };
}

function age(shown, begun) {
  if (begun === null) return null;
  const ms = shown - begun;
  return ms >= 0 && ms < ABSURD_MS ? ms : null;
}

/**
 * Capture to display from a sample of `getStats`, where frames do not tell: the time at which the
 * frame now playing was captured, against the daemon's clock.
 * @param {{playoutMs: number | null, timestampMs: number}} row
 * @param {number | null} offsetMs
 */
export function playoutAge(row, offsetMs) {
  if (row.playoutMs === null || offsetMs === null) return null;
  return age(row.timestampMs + offsetMs, row.playoutMs);
}

/** Watches one `<video>` while somebody wants to know. */
export class FrameWatch {
  #video;
  #receiver;
  #offset;
  #handle = null;
  #captures = [];
  #arrivals = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {() => RTCRtpReceiver | null} receiver
   * @param {() => number | null} offset milliseconds that the daemon's clock is ahead
   */
  constructor(video, receiver, offset) {
    this.#video = video;
    this.#receiver = receiver;
    this.#offset = offset;
  }

  start() {
    if (this.#handle !== null || !('requestVideoFrameCallback' in this.#video)) return;
    this.#next();
  }

  stop() {
    if (this.#handle !== null) this.#video.cancelVideoFrameCallback(this.#handle);
    this.#handle = null;
    this.#captures = [];
    this.#arrivals = [];
  }

  /** Medians in milliseconds; null where the browser does not tell. */
  get summary() {
    return { captureMs: median(this.#captures), arrivalMs: median(this.#arrivals) };
  }

  #next() {
    this.#handle = this.#video.requestVideoFrameCallback((_, frame) => {
      const source = this.#receiver()
        ?.getSynchronizationSources?.()
        .find((each) => each.rtpTimestamp === frame.rtpTimestamp);
      const { captureMs, arrivalMs } = ages(frame, source, {
        offsetMs: this.#offset(),
        timeOriginMs: performance.timeOrigin,
      });
      if (captureMs !== null) keep(this.#captures, captureMs);
      if (arrivalMs !== null) keep(this.#arrivals, arrivalMs);
      this.#next();
    });
  }
}

function keep(list, value) {
  list.push(value);
  if (list.length > WINDOW) list.shift();
}
