/**
 * Sends one file: cuts what the reader gives into chunks, no faster than the channel drains and the other side
 * writes, and begins anew on another channel where that side says. Touches nothing but the channel and reader that it is
 * given.
 */

import { CHUNK, WINDOW, parseWritten } from './protocol.js';

/** The channel's own queue, in bytes: enough that the network never waits for the page, little enough to pause at once. */
const QUEUE = 1024 * 1024;
const QUEUE_LOW = 256 * 1024;
/** Pieces that are read before they are needed. */
const AHEAD = 3;

/**
 * @param {object} options
 * @param {number} options.size
 * @param {{piece: number, read(from: number): Promise<ArrayBuffer>, digest(): Promise<string>}} options.reader
 *   `read` gives `piece` bytes from there (fewer at the end) and hashes what it has not hashed before
 * @param {object} options.on
 * @param {(bytes: number) => void} options.on.progress so much has been written over there
 * @param {(sha256: string) => void} options.on.sent everything has been given to the channel
 * @param {() => void} options.on.lost the channel has closed by itself
 * @param {(reason: string) => void} options.on.fail it cannot go on: `unreadable`, `protocol`
 */
export function createSender({ size, reader, on }) {
  let channel = null;
  /** Where the next chunk begins; how far the other side has written; how far was ever sent. */
  let at = 0;
  let written = 0;
  let furthest = 0;
  let held = false;
  let over = false;
  let digest = null;
  /** Pieces in the order of the file, the first with what is needed next: `{ from, bytes }`, null until read. */
  let pieces = [];

  function fail(reason) {
    if (over) return;
    stop();
    on.fail(reason);
  }

  function detach() {
    if (channel === null) return;
    channel.onbufferedamountlow = null;
    channel.onmessage = null;
    channel.onopen = null;
    channel.onclose = null;
    channel.close();
    channel = null;
    pieces = [];
  }

  function stop() {
    over = true;
    detach();
  }

  function readAhead() {
    const last = pieces.at(-1);
    let from = last === undefined ? at : last.from + reader.piece;
    for (; pieces.length < AHEAD && from < size; from += reader.piece) {
      const piece = { from, bytes: null };
      pieces.push(piece);
      reader.read(from).then(
        (buffer) => {
          if (over || !pieces.includes(piece)) return;
          piece.bytes = new Uint8Array(buffer);
          // A file that has become shorter since it was chosen.
          if (piece.bytes.length !== Math.min(reader.piece, size - piece.from)) fail('unreadable');
          else pump();
        },
        () => pieces.includes(piece) && fail('unreadable'),
      );
    }
  }

  function pump() {
    if (over || held || channel?.readyState !== 'open') return;
    while (at < size) {
      readAhead();
      const [piece] = pieces;
      if (piece.bytes === null || channel.bufferedAmount > QUEUE || at + CHUNK > written + WINDOW) return;
      const start = at - piece.from;
      const chunk = piece.bytes.subarray(start, start + CHUNK);
      try {
        channel.send(chunk);
      } catch {
        // It closed or its queue is full, of which it tells itself; what was not sent is sent again.
        return;
      }
      at += chunk.length;
      furthest = Math.max(furthest, at);
      if (at - piece.from >= piece.bytes.length) pieces.shift();
    }
    if (digest !== null) return;
    digest = reader.digest();
    digest.then(
      (sha256) => over || on.sent(sha256),
      () => fail('unreadable'),
    );
  }

  function take({ data }) {
    const bytes = parseWritten(data);
    if (bytes === null || bytes < written || bytes > at) {
      fail('protocol');
      return;
    }
    written = bytes;
    on.progress(written);
    pump();
  }

  return {
    /** Goes on from there on a new channel. */
    attach(next, from) {
      if (over) return;
      detach();
      // What was never sent, nobody can have.
      if (from > furthest) {
        next.close();
        fail('protocol');
        return;
      }
      channel = next;
      at = from;
      written = from;
      digest = null;
      channel.bufferedAmountLowThreshold = QUEUE_LOW;
      channel.onbufferedamountlow = pump;
      channel.onmessage = take;
      channel.onopen = pump;
      channel.onclose = () => {
        detach();
        on.lost();
      };
      on.progress(written);
      pump();
    },
    /** The connection is gone; `attach` follows when there is another. */
    detach,
    hold(value) {
      held = value;
      pump();
    },
    stop,
  };
}
