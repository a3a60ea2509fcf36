/**
 * Pictures and sound by the WebSocket, where WebRTC cannot pass: the binary frames of docs/protocol.md
 * taken apart and checked, pictures decoded and acknowledged one at a time, widths asked for. Does not
 * touch the document: who draws and who plays are arguments.
 */

import { median } from '../stats/frames.js';

/** The first byte of a binary frame. */
export const KIND = { picture: 1, sound: 2, participant: 3 };
/** Kind, number (u32), time in microseconds (u64), subject (u32); big-endian. */
const HEADER = 17;
/** No frame is longer; in bytes behind the header. */
const MOST = { [KIND.picture]: 4 << 20, [KIND.sound]: 8 << 10, [KIND.participant]: 128 << 10 };

/** The widths that there are; the daemon sends smaller ones where the link carries no more. */
export const WIDTHS = [320, 640, 1280];
/** A picture may be stretched by so much before the next width is worth its bytes. */
const STRETCH = 1.25;

/**
 * @typedef {{kind: number, number: number, timeMs: number, subject: number, data: Uint8Array}} Frame
 *   `timeMs` is of the daemon's clock
 */

const isJpeg = (data) => data[0] === 0xff && data[1] === 0xd8 && data[2] === 0xff;

/**
 * A binary frame of the daemon, or null where it is none that this page knows.
 * @param {ArrayBuffer} buffer
 * @returns {Frame | null}
 */
export function frameFrom(buffer) {
  if (buffer.byteLength <= HEADER) return null;
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  const data = new Uint8Array(buffer, HEADER);
  if (!Object.hasOwn(MOST, kind) || data.length > MOST[kind]) return null;
  if (kind !== KIND.sound && !isJpeg(data)) return null;
  const timeMs = Number(view.getBigUint64(5)) / 1000;
  return { kind, number: view.getUint32(1), timeMs, subject: view.getUint32(13), data };
}

/**
 * A frame as it goes over the WebSocket.
 * @param {{kind: number, number: number, timeMs: number, subject?: number, data: Uint8Array}} frame
 * @returns {Uint8Array}
 */
export function bytesOf({ kind, number, timeMs, subject = 0, data }) {
  const bytes = new Uint8Array(HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, number);
  view.setBigUint64(5, BigInt(Math.max(0, Math.round(timeMs * 1000))));
  view.setUint32(13, subject);
  bytes.set(data, HEADER);
  return bytes;
}

/** The width to ask for, for a picture that is `pixels` wide on the screen; 0 where it is not seen. */
export function widthFor(pixels) {
  if (!(pixels > 0)) return 0;
  return WIDTHS.find((width) => width * STRETCH >= pixels) ?? WIDTHS.at(-1);
}

/** Counts what comes of one subject: over the last two seconds. */
class Meter {
  #drawn = [];

  add(entry) {
    this.#drawn.push(entry);
    this.#forget(entry.at);
  }

  #forget(now) {
    while (this.#drawn.length > 0 && now - this.#drawn[0].at > 2000) this.#drawn.shift();
  }

  /** @returns {object | null} null where nothing has come of late */
  summary(now) {
    this.#forget(now);
    const last = this.#drawn.at(-1);
    if (last === undefined) return null;
    const bytes = this.#drawn.reduce((sum, each) => sum + each.bytes, 0);
    const seconds = Math.max(1, (now - this.#drawn[0].at) / 1000);
    const delays = this.#drawn.map(({ delayMs }) => delayMs).filter((ms) => ms !== null);
    return {
      width: last.width,
      height: last.height,
      fps: this.#drawn.length / seconds,
      kbps: (bytes * 8) / 1000 / seconds,
      bytes: bytes / this.#drawn.length,
      delayMs: median(delays),
    };
  }
}

/**
 * Draws the pictures of subjects, the newest of each only, and acknowledges each when it is drawn: the
 * daemon sends the next one then.
 * @param {object} options
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {(subject: number, bitmap: ImageBitmap, frame: Frame) => void} options.draw
 * @param {(subject: number, number: number) => void} options.seen
 */
export function createDrawing({ decode, draw, seen }) {
  /** By subject: the picture that waits for the one being decoded, or null. */
  const waiting = new Map();
  let over = false;
  let held = false;

  async function run(frame) {
    const { subject } = frame;
    waiting.set(subject, null);
    try {
      const bitmap = await decode(frame.data);
      if (!over) draw(subject, bitmap, frame);
      bitmap.close?.();
    } catch {
      // One that cannot be decoded is passed over: the next one may be.
    }
    if (over) return;
    seen(subject, frame.number);
    const next = waiting.get(subject);
    // After a hold that ended meanwhile, another run has finished first.
    if (next == null) waiting.delete(subject);
    else if (!held) void run(next);
  }

  return {
    take(frame) {
      if (over) return;
      const { subject } = frame;
      if (!waiting.has(subject) && !held) {
        void run(frame);
        return;
      }
      const older = waiting.get(subject) ?? null;
      if (older !== null) seen(subject, older.number);
      waiting.set(subject, frame);
    },
    /** Whether what comes waits: nothing is drawn then, and nothing follows. */
    hold(hold) {
      if (held === hold) return;
      held = hold;
      if (held) return;
      for (const frame of [...waiting.values()]) if (frame !== null) void run(frame);
    },
    stop() {
      over = true;
      waiting.clear();
    },
  };
}

/**
 * The pictures and the sound of one session's sources, and of its room's participants.
 * @param {object} options
 * @param {(message: object) => void} options.send
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {() => number} options.now
 * @param {(timeMs: number) => number | null} options.ageOf how long ago that was, of the daemon's clock
 * @param {object} options.on
 * @param {() => void} options.on.came something of a source has come, and is about to be shown or heard
 * @param {(name: string, bitmap: ImageBitmap) => void} options.on.picture to be drawn before it returns
 * @param {(name: string, frame: Frame) => void} options.on.sound
 * @param {(frame: Frame) => void} options.on.participant
 */
export function createPictures({ send, decode, now, ageOf, on }) {
  const nothing = JSON.stringify(request([], false));
  let names = [];
  let asked = nothing;
  const meters = new Map();
  const sounds = new Map();

  const meterOf = (all, name) => {
    if (!all.has(name)) all.set(name, new Meter());
    return all.get(name);
  };

  const drawing = createDrawing({
    decode,
    draw(subject, bitmap, frame) {
      const name = names[subject];
      if (asked === nothing) return;
      on.came();
      on.picture(name, bitmap);
      const [at, delayMs] = [now(), ageOf(frame.timeMs)];
      meterOf(meters, name).add({ at, bytes: frame.data.length, delayMs, width: bitmap.width, height: bitmap.height });
    },
    seen: (subject, number) => send({ type: 'seen', subject_kind: KIND.picture, subject, number }),
  });

  return {
    /** The sources of `welcome`, in its order: what subjects are. */
    welcome(list) {
      names = list;
    },
    /** There are others than before: subjects are counted on. */
    relist(list) {
      names = [...names, ...list.filter((name) => !names.includes(name))];
    },
    hold: (hold) => drawing.hold(hold),
    /**
     * Says what is wanted from now on; nothing where that is what was asked for.
     * @param {{source: string, width?: number}[]} sources @param {boolean} audio
     */
    want(sources, audio) {
      const message = request(sources, audio);
      const text = JSON.stringify(message);
      if (text === asked) return;
      asked = text;
      send(message);
    },
    /** Ends them. */
    end() {
      this.want([], false);
      meters.clear();
      sounds.clear();
    },
    /** Takes a binary frame. @param {ArrayBuffer} buffer */
    take(buffer) {
      const frame = frameFrom(buffer);
      if (frame === null) return;
      if (frame.kind === KIND.participant) on.participant(frame);
      else if (names[frame.subject] === undefined) return;
      else if (frame.kind === KIND.picture) drawing.take(frame);
      else if (asked !== nothing) {
        const name = names[frame.subject];
        on.came();
        on.sound(name, frame);
        meterOf(sounds, name).add({ at: now(), bytes: frame.data.length, delayMs: ageOf(frame.timeMs), width: 0, height: 0 });
      }
    },
    /** What comes of a source: `{video, audio}`, each null where nothing does. */
    summary: (name) => ({
      video: meters.get(name)?.summary(now()) ?? null,
      audio: sounds.get(name)?.summary(now()) ?? null,
    }),
    stop: () => drawing.stop(),
  };
}

const request = (sources, audio) => ({ type: 'pictures', sources, audio });
