/**
 * One session's way around WebRTC: joins when to change over (`fallback`) with what comes and is asked for
 * (`pictures`).
 */

import { createChangeover } from './fallback.js';
import { createPictures, WIDTHS, widthFor } from './pictures.js';

/** While pictures come, a connection that does not come about is given up after so long. */
const HOPE_MS = 6000;
/** Sizes on the screen change many at a time. */
const FIT_MS = 300;

/**
 * What a session has to know of the page to ask for pictures.
 * @typedef {object} View
 * @property {(name: string) => number} width of a source's picture on the screen, in its pixels; 0: not there
 * @property {() => boolean} visible whether anybody sees the page
 * @property {boolean} sound whether this browser decodes sound that comes this way
 */

/**
 * @param {object} options
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {View} options.view
 * @param {() => boolean} options.able whether pictures may be asked for
 * @param {(names: string[]) => string[]} options.wanted
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {(message: object) => void} options.send
 * @param {(timeMs: number) => number | null} options.ageOf
 * @param {object} options.on `pictures(why)`, `webrtc()`, `alone()`, `lost()` of `createChangeover`;
 *   `picture`, `sound`, `participant` of `createPictures`
 */
export function createByway({ timers, view, able, wanted, decode, send, ageOf, on }) {
  let sources = [];
  /** Those of which nothing will come, for now. */
  const silent = new Set();
  let fitTimer = null;
  let hopeTimer = null;

  const pictures = createPictures({
    send,
    decode,
    now: timers.now,
    ageOf,
    on: {
      came: () => changeover.came(),
      picture: on.picture,
      sound: on.sound,
      participant: on.participant,
    },
  });

  const changeover = createChangeover({
    timers,
    able,
    on: {
      ask: look,
      pictures(why) {
        hopeTimer = timers.setTimeout(changeover.hopeless, HOPE_MS);
        on.pictures(why);
      },
      webrtc() {
        calm();
        pictures.end();
        on.webrtc();
      },
      alone() {
        calm();
        on.alone();
      },
      lost: on.lost,
    },
  });

  function calm() {
    timers.clearTimeout(fitTimer);
    timers.clearTimeout(hopeTimer);
    fitTimer = null;
    hopeTimer = null;
  }

  /** What is to be asked for of a source; null: nothing. */
  function request({ name, media }, visible) {
    const heard = view.sound && media.includes('audio');
    if (!media.includes('video')) return heard ? { source: name } : null;
    const width = visible ? widthFor(view.width(name)) : 0;
    // For its sound alone: its first picture is not acknowledged before somebody looks.
    if (width === 0) return heard && !visible ? { source: name, width: WIDTHS[0] } : null;
    return { source: name, width };
  }

  /** Asks for what is seen and heard now. */
  function look() {
    timers.clearTimeout(fitTimer);
    fitTimer = null;
    if (changeover.state === 'webrtc') return;
    const visible = view.visible();
    pictures.hold(!visible);
    const names = wanted(sources.map(({ name }) => name));
    const asked = sources
      .filter(({ name }) => names.includes(name))
      .map((source) => request(source, visible))
      .filter((each) => each !== null);
    pictures.want(asked, view.sound && asked.length > 0);
    // Where nothing is to come, nothing is waited for.
    if (asked.every(({ source }) => silent.has(source))) changeover.came();
  }

  return {
    pictures,
    changeover,
    look,
    welcome(list) {
      sources = list;
      list.forEach(this.source);
      pictures.welcome(list.map(({ name }) => name));
    },
    /** There are other sources than before; what is to be asked for is for `look` to say. */
    relist(list) {
      sources = list;
      silent.clear();
      list.forEach(this.source);
      pictures.relist(list.map(({ name }) => name));
    },
    source({ name, state }) {
      if (state === 'paused' || state === 'failed') silent.add(name);
      else silent.delete(name);
    },
    /** Sizes on the screen are others, or the page is seen no more, or again. */
    fit() {
      if (changeover.state !== 'webrtc') fitTimer ??= timers.setTimeout(look, FIT_MS);
    },
    stop() {
      calm();
      changeover.stop();
      pictures.stop();
    },
  };
}
