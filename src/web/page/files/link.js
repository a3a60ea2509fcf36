/**
 * What is said about files with one participant: the channel "files", made when there is something to say and made again
 * when it is gone.
 */

import { CONTROL, parse } from './protocol.js';

/** After a channel has closed by itself. */
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 15_000;
/** What was said last must have time to arrive before the connection may go. */
const LINGER_MS = 5000;
/** Messages that mean nothing, after which the other page is not listened to on this connection. */
const PATIENCE = 32;

/**
 * @param {object} options
 * @param {{hold: Function, release: Function, createChannel: Function}} options.pair
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {object} options.on
 * @param {() => void} options.on.open messages pass, for the first time or again
 * @param {() => void} options.on.closed none pass
 * @param {(message: object) => void} options.on.message a checked one
 */
export function createLink({ pair, timers, on }) {
  /** Ours and theirs; what one side says goes over one, so that it stays in order. */
  let own = null;
  let theirs = null;
  let speaking = null;
  let wanted = false;
  let nonsense = 0;
  let delay = AGAIN_MS;
  let again = null;
  let linger = null;

  function listen(channel) {
    channel.onmessage = ({ data }) => {
      const message = parse(data);
      if (message !== null) on.message(message);
      else if ((nonsense += 1) >= PATIENCE) {
        console.debug('files: the other page makes no sense');
        drop(channel);
      }
    };
    channel.onopen = () => opened(channel);
    channel.onclose = () => closed(channel);
    if (channel.readyState === 'open') opened(channel);
  }

  function opened(channel) {
    if (speaking !== null) return;
    speaking = channel;
    delay = AGAIN_MS;
    on.open();
  }

  function closed(channel) {
    if (channel !== own && channel !== theirs) return;
    drop(channel);
    if (own === null && theirs === null) later();
  }

  function later() {
    if (!wanted || again !== null) return;
    again = timers.setTimeout(() => {
      again = null;
      if (wanted) make();
    }, delay);
    delay = Math.min(delay * 2, AGAIN_MAX_MS);
  }

  function drop(channel) {
    if (channel === null) return;
    channel.onmessage = null;
    channel.onopen = null;
    channel.onclose = null;
    channel.close();
    if (channel === own) own = null;
    else if (channel === theirs) theirs = null;
    if (channel !== speaking) return;
    speaking = null;
    const other = own ?? theirs;
    if (other?.readyState === 'open') opened(other);
    else on.closed();
  }

  function dropAll() {
    const other = theirs;
    theirs = null;
    drop(own);
    drop(other);
  }

  function make() {
    if (own !== null || theirs !== null) return;
    try {
      own = pair.createChannel(CONTROL);
    } catch {
      // There is no connection to be had at the moment; it is tried again.
      later();
      return;
    }
    listen(own);
  }

  return {
    get open() {
      return speaking !== null;
    },

    /** Whether something is going on, for which there has to be a channel and a connection. */
    want(value) {
      if (value === wanted) return;
      wanted = value;
      timers.clearTimeout(linger);
      if (wanted) {
        pair.hold('files');
        make();
      } else {
        linger = timers.setTimeout(() => {
          // Not every browser tells of channels that go with the connection.
          dropAll();
          pair.release('files');
        }, LINGER_MS);
      }
    },

    /** The other page has made one. */
    take(channel) {
      if (theirs !== null) drop(theirs);
      theirs = channel;
      listen(channel);
    },

    /** The connection is gone, with all of its channels. */
    reset() {
      nonsense = 0;
      dropAll();
      if (wanted) {
        pair.hold('files');
        make();
      }
    },

    /** Says it, if that is possible now. What matters after a cut is said again by `on.open`. */
    send(message) {
      if (speaking?.readyState === 'open') speaking.send(JSON.stringify(message));
    },

    end() {
      wanted = false;
      timers.clearTimeout(again);
      timers.clearTimeout(linger);
      dropAll();
      pair.release('files');
    },
  };
}
