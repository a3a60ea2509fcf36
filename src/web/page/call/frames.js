/**
 * A participant's camera as pictures over the WebSocket, where a call's pair cannot be connected: JPEG, one
 * at a time, dropped rather than queued. The sending half fits size and quality to what the link takes;
 * the receiving half draws each participant's newest picture on a canvas.
 */

import { bytesOf, createDrawing, KIND } from '../net/pictures.js';

/** What the daemon takes: bytes of one JPEG, pictures a second, pixels of a side. */
export const MOST_BYTES = 128 * 1024;
const MOST_RATE = 15;
/** What one picture should take on an ordinary link. */
const GOOD_BYTES = 40 * 1024;

/** Widths and JPEG qualities to choose from, the best first. */
const STEPS = [
  { width: 640, quality: 0.75 },
  { width: 640, quality: 0.55 },
  { width: 480, quality: 0.6 },
  { width: 320, quality: 0.6 },
  { width: 320, quality: 0.4 },
  { width: 240, quality: 0.35 },
];
/** Of this many pictures, more than a third not sent is too many. */
const LOOKED_AT = 15;
/** So many in a row sent in time leave room for better ones; twice as many after each vain attempt. */
const PATIENCE = 45;
const LONGEST_PATIENCE = 1440;

/** How large pictures are, and how good. Pure: what became of pictures in, a step out. */
export class Fit {
  #step = 1;
  #lately = [];
  #good = 0;
  #patience = PATIENCE;
  #raised = false;

  get now() {
    return STEPS[this.#step];
  }

  /** @param {number | null} bytes of a picture that was sent; null: it was not, because too much waits */
  add(bytes) {
    if (bytes !== null && bytes > MOST_BYTES) {
      this.#down();
      return;
    }
    this.#lately.push(bytes);
    if (this.#lately.length > LOOKED_AT) this.#lately.shift();
    const left = this.#lately.filter((each) => each === null).length;
    if (bytes === null) this.#good = 0;
    if (left > LOOKED_AT / 3) {
      this.#down();
      return;
    }
    this.#good += bytes !== null && bytes < GOOD_BYTES ? 1 : 0;
    if (this.#good >= this.#patience && this.#step > 0) {
      this.#step -= 1;
      this.#raised = true;
      this.#begin();
    }
  }

  #down() {
    if (this.#raised) this.#patience = Math.min(LONGEST_PATIENCE, this.#patience * 2);
    this.#raised = false;
    this.#step = Math.min(STEPS.length - 1, this.#step + 1);
    this.#begin();
  }

  #begin() {
    this.#lately = [];
    this.#good = 0;
  }
}

/** The size of a picture that is at most so wide, never larger than the camera's, with even sides. */
export function sizeOf(width, height, most) {
  const scale = Math.min(1, most / Math.max(1, width, height * (16 / 9)));
  const even = (side) => Math.max(2, Math.round((side * scale) / 2) * 2);
  return { width: even(width), height: even(height) };
}

/**
 * Sends a camera's pictures until it is stopped, or the track ends.
 * @param {object} options
 * @param {MediaStreamTrack} options.track
 * @param {(bytes: Uint8Array) => boolean} options.send false: too much waits to be sent
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => number} options.now ms since 1970
 * @param {(track: MediaStreamTrack) => Camera} [options.open] for tests
 * @returns {{stop: () => void}}
 *
 * @typedef {object} Camera
 * @property {() => {width: number, height: number}} size 0 before its first picture
 * @property {(size: object, quality: number) => Promise<Uint8Array | null>} jpeg its picture now
 * @property {() => void} close
 */
export function sendCamera({ track, send, timers, now, open = openCamera }) {
  const camera = open(track);
  const fit = new Fit();
  let number = 0;
  let over = false;
  let timer = null;

  async function take() {
    const begun = now();
    const { width, height } = camera.size();
    // What is muted by the system, or switched off, is no picture.
    if (width > 0 && track.enabled && !track.muted) await show(width, height);
    if (over) return;
    const spent = Math.max(0, now() - begun);
    timer = timers.setTimeout(take, Math.max(10, 1000 / MOST_RATE - spent));
  }

  async function show(width, height) {
    const { width: most, quality } = fit.now;
    const timeMs = now();
    const data = await camera.jpeg(sizeOf(width, height, most), quality).catch(() => null);
    if (over || data === null) return;
    if (data.length > MOST_BYTES) {
      fit.add(data.length);
      return;
    }
    number = (number + 1) >>> 0;
    fit.add(send(bytesOf({ kind: KIND.participant, number, timeMs, data })) ? data.length : null);
  }

  function stop() {
    if (over) return;
    over = true;
    timers.clearTimeout(timer);
    track.removeEventListener('ended', stop);
    camera.close();
  }

  track.addEventListener('ended', stop);
  timer = timers.setTimeout(take, 0);
  return { stop };
}

/** A camera's picture by a video that nobody sees, and a canvas. */
function openCamera(track) {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => {});
  const canvas = document.createElement('canvas');
  return {
    size: () => ({ width: video.videoWidth, height: video.videoHeight }),
    async jpeg({ width, height }, quality) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.getContext('2d', { alpha: false }).drawImage(video, 0, 0, width, height);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
      return blob === null ? null : new Uint8Array(await blob.arrayBuffer());
    },
    close() {
      video.srcObject = null;
    },
  };
}

/**
 * The pictures of participants, each on a canvas of its own.
 * @param {object} options
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {(subject: number, number: number) => void} options.seen `session.seen`
 */
export function createFaces({ decode, seen }) {
  /** By participant: the canvas on which it is drawn. */
  const canvases = new Map();
  /** By participant of whom nothing is shown: the picture for which the next one waits. */
  const owed = new Map();
  const drawing = createDrawing({
    decode,
    seen,
    draw(participant, bitmap) {
      const canvas = canvases.get(participant);
      if (canvas === undefined) return;
      const { width, height } = bitmap;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.getContext('2d', { alpha: false }).drawImage(bitmap, 0, 0);
      canvas.hidden = false;
    },
  });
  return {
    /** Shows a participant on this canvas, or no more: null. */
    show(participant, canvas) {
      if (canvas === null) {
        canvases.delete(participant);
        return;
      }
      canvases.set(participant, canvas);
      if (owed.has(participant)) seen(participant, owed.get(participant));
      owed.delete(participant);
    },
    /**
     * Takes a frame: the session's `participant`. Of whom nothing is shown it is dropped, and acknowledged only
     * when something is: until then the daemon sends no other.
     */
    take(frame) {
      if (canvases.has(frame.subject)) drawing.take(frame);
      else owed.set(frame.subject, frame.number);
    },
    /** That participant is gone: nothing is owed any more. */
    forget: (participant) => owed.delete(participant),
    /** Whether what comes waits: nobody sees the page. */
    hold: (hold) => drawing.hold(hold),
  };
}
