/**
 * Pointing: where in a picture a pointer is, where on the screen that is for another, and how long a
 * point stays. Pure.
 */

/** After the last word of it, a point fades for so long. */
export const FADE_MS = 1000;
/** At most so often is it told where one points: the daemon takes 60 a second, by the WebSocket fewer: see room.js. */
export const TELL_MS = 20;
/** One that rests is told again, so that it does not fade. */
export const AGAIN_MS = 400;

/**
 * Where a picture lies in its element, by CSS `object-fit`.
 * @param {{width: number, height: number}} box of the element
 * @param {{width: number, height: number}} picture in its own pixels
 * @param {'contain' | 'cover' | 'fill'} fit
 * @returns {{left: number, top: number, width: number, height: number} | null}
 */
export function pictureIn(box, picture, fit) {
  if (!(box.width > 0 && box.height > 0 && picture.width > 0 && picture.height > 0)) return null;
  if (fit === 'fill') return { left: 0, top: 0, width: box.width, height: box.height };
  const scales = [box.width / picture.width, box.height / picture.height];
  const scale = fit === 'cover' ? Math.max(...scales) : Math.min(...scales);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { left: (box.width - width) / 2, top: (box.height - height) / 2, width, height };
}

/**
 * What is seen of a tile's player, and its size in its own pixels: the video knows none while pictures come
 * by the WebSocket.
 */
export const pictureOf = ({ video, canvas, byCanvas }) =>
  byCanvas
    ? { element: canvas, width: canvas.width, height: canvas.height }
    : { element: video, width: video.videoWidth, height: video.videoHeight };

/** The place in the picture, 0 to 1, of a place in its element; null beside the picture. */
export function placeOf({ x, y }, area) {
  if (area === null) return null;
  const place = { x: (x - area.left) / area.width, y: (y - area.top) / area.height };
  return Object.values(place).every((value) => value >= 0 && value <= 1) ? place : null;
}

/** The place in the element of a place in the picture. */
export const spotOf = ({ x, y }, area) => ({ x: area.left + x * area.width, y: area.top + y * area.height });

/**
 * Whose points are to be seen, by who points.
 * @typedef {{from: number, source: string, x: number, y: number, atMs: number}} Point
 */
export class Points {
  #points = new Map();

  /** @param {{from: number, source: string | null, x: number, y: number}} told */
  take({ from, source, x, y }, nowMs) {
    const isPlace = [x, y].every((value) => Number.isFinite(value) && value >= 0 && value <= 1);
    if (source === null) {
      // No more: it fades from here on, and is not gone at once.
      const known = this.#points.get(from);
      if (known !== undefined) Object.assign(known, { ended: true, atMs: nowMs });
    } else if (isPlace && typeof source === 'string') this.#points.set(from, { from, source, x, y, atMs: nowMs, ended: false });
  }

  forget(from) {
    this.#points.delete(from);
  }

  clear() {
    this.#points.clear();
  }

  /** @returns {(Point & {strength: number})[]} `strength` from 1 to 0 */
  seen(nowMs) {
    const seen = [];
    for (const [from, point] of this.#points) {
      // What is told again each so often has not ended.
      const quiet = nowMs - point.atMs - (point.ended ? 0 : AGAIN_MS);
      const strength = Math.min(1, 1 - quiet / FADE_MS);
      if (strength <= 0) this.#points.delete(from);
      else seen.push({ ...point, strength });
    }
    return seen;
  }
}

/**
 * Tells where this page points: not oftener than others can see, the last place always.
 * @param {object} options
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {(place: {source: string, x: number, y: number} | null) => void} options.tell
 */
export function createTeller({ timers, tell }) {
  let place = null;
  let toldMs = -Infinity;
  let told = false;
  let timer = null;

  function say() {
    timers.clearTimeout(timer);
    timer = null;
    toldMs = timers.now();
    told = place !== null;
    tell(place);
    if (told) timer = timers.setTimeout(say, AGAIN_MS);
  }

  return {
    /** @param {{source: string, x: number, y: number} | null} next null: at nothing */
    at(next) {
      if (next === null && !told && place === null) return;
      place = next;
      const wait = toldMs + TELL_MS - timers.now();
      if (place === null || wait <= 0) say();
      else {
        timers.clearTimeout(timer);
        timer = timers.setTimeout(say, wait);
      }
    },
  };
}
