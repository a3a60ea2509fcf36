/**
 * Receives one file: takes chunks in their order, hands them to where they are kept in larger pieces, and tells the
 * sender how far they are written. Trusts the other page with nothing: what goes beyond size or window, or is not a whole
 * chunk, ends this transfer.
 */

import { CHUNK, WINDOW } from './protocol.js';

/** Bytes that are handed on at once: few messages to the worker, little that waits. */
const PIECE = 256 * 1024;

/** What a disk's error is to the other side: `no_room` or `disk`. */
export const reasonOf = (error) => (error?.name === 'QuotaExceededError' ? 'no_room' : 'disk');

/**
 * @param {object} options
 * @param {number} options.size
 * @param {{write(chunks: ArrayBuffer[]): Promise<void>, digest(): Promise<string>}} options.sink writes one after
 *   another; `digest` is of everything
 * @param {number} options.from what the sink has already
 * @param {object} options.on
 * @param {(bytes: number) => void} options.on.progress so much is written
 * @param {(sha256: string) => void} options.on.complete everything is written
 * @param {(reason: string) => void} options.on.fail `no_room`, `disk` or `protocol`
 */
export function createReceiver({ size, sink, from = 0, on }) {
  let channel = null;
  let received = from;
  let written = from;
  let batch = [];
  let batched = 0;
  let over = false;
  /** Settles when everything that was handed on is written, or has failed. */
  let writing = Promise.resolve();

  function fail(reason) {
    if (over) return;
    stop();
    on.fail(reason);
  }

  function detach() {
    if (channel === null) return;
    channel.onmessage = null;
    channel.close();
    channel = null;
  }

  function stop() {
    over = true;
    batch = [];
    detach();
  }

  function take({ data }) {
    if (over) return;
    const length = data instanceof ArrayBuffer ? data.byteLength : -1;
    const fits = length === Math.min(CHUNK, size - received) && length > 0;
    if (!fits || received + length > written + WINDOW) {
      fail('protocol');
      return;
    }
    received += length;
    batch.push(data);
    batched += length;
    if (batched >= PIECE || received === size) flush();
  }

  function flush() {
    const [chunks, length] = [batch, batched];
    batch = [];
    batched = 0;
    writing = sink.write(chunks).then(() => {
      if (over) return;
      written += length;
      if (channel?.readyState === 'open') channel.send(JSON.stringify({ type: 'written', bytes: written }));
      on.progress(written);
      if (written === size) finish();
    }, failed);
  }

  const failed = (error) => fail(reasonOf(error));

  function finish() {
    sink.digest().then((sha256) => over || on.complete(sha256), failed);
  }

  return {
    /** Lets go of the channel and waits until what has come is written: where the sender goes on. */
    async settle() {
      detach();
      if (batch.length > 0) flush();
      await writing;
      return written;
    },
    /** The sender's channel, the first or the one after a cut. */
    attach(next) {
      detach();
      if (over) return;
      channel = next;
      channel.binaryType = 'arraybuffer';
      channel.onmessage = take;
    },
    /** A file without content has no chunk that could be its last. */
    begin() {
      if (size === from) finish();
    },
    detach,
    stop,
  };
}
