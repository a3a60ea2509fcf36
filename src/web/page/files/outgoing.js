/**
 * One file on its way to one participant: what is said about it from this side.
 */

import { labelOf } from './protocol.js';
import { isOver } from './machine.js';
import { createSender } from './sender.js';

/** After its channel has closed by itself. */
const AGAIN_MS = 1000;
/** So often, with nothing written in between. */
const TRIES = 5;

/**
 * @param {object} options
 * @param {object} options.entry of transfers.js: `id`, `size`, `state` and so on
 * @param {Blob} options.file
 * @param {object} options.workshop
 * @param {() => {createChannel: Function}} options.pair with whoever it is for
 * @param {object} options.timers
 * @param {(message: object) => void} options.say
 * @param {(event: object) => void} options.move
 * @param {(bytes: number) => void} options.progress so much is written over there
 */
export function createOutgoing({ entry, file, workshop, pair, timers, say, move, progress }) {
  const { id, name, size, mime } = entry;
  let reader = null;
  let sender = null;
  let tries = TRIES;
  let again = null;
  /** Whether the other side has ever been told the digest: it may have been right after it was told. */
  let told = false;

  function fail(reason) {
    say({ type: 'failed', id, reason });
    move({ type: 'fail', reason });
  }

  /** Nobody needs to have done this on purpose: it is offered again, unless the connection has gone, too. */
  function lost() {
    tries -= 1;
    if (tries === 0) fail('protocol');
    else again = timers.setTimeout(() => greet(), AGAIN_MS);
  }

  function begin(from) {
    timers.clearTimeout(again);
    if (sender === null) {
      reader = workshop.reader(file);
      sender = createSender({
        size,
        reader,
        on: {
          progress(bytes) {
            if (bytes > entry.bytes) tries = TRIES;
            progress(bytes);
          },
          lost,
          sent(sha256) {
            told = true;
            move({ type: 'sent' });
            say({ type: 'done', id, sha256 });
          },
          fail,
        },
      });
    }
    const held = entry.state.phase === 'moving' && entry.state.held.me;
    move({ type: 'accept' });
    sender.hold(held);
    if (held) say({ type: 'pause', id });
    let channel;
    try {
      channel = pair().createChannel(labelOf(id), { ordered: true });
    } catch {
      // The connection goes just now. With the next one it is offered again.
      return;
    }
    sender.attach(channel, from);
  }

  function hold(by, value) {
    move({ type: 'hold', by, value });
    const { phase, held } = entry.state;
    sender?.hold(phase === 'moving' && (held.me || held.them));
  }

  /** Messages pass, for the first time or again. */
  function greet() {
    timers.clearTimeout(again);
    const { phase, by, reason } = entry.state;
    if (!isOver(entry.state)) say({ type: 'offer', id, name, size, mime, hash: 'sha-256' });
    else if (phase === 'cancelled' && by === 'me') say({ type: 'cancel', id });
    else if (phase === 'failed' && reason !== 'gone') say({ type: 'failed', id, reason });
  }

  const takes = {
    accept({ from }) {
      if (from > size) fail('protocol');
      else begin(from);
    },
    refuse: ({ reason }) => move({ type: 'refuse', by: 'them', reason }),
    pause: () => hold('them', true),
    resume: () => hold('them', false),
    cancel: () => move({ type: 'cancel', by: 'them' }),
    verified() {
      if (!told) return;
      move({ type: 'sent' });
      move({ type: 'verified' });
    },
    failed: ({ reason }) => move({ type: 'fail', reason }),
  };

  return {
    message(message) {
      if (!isOver(entry.state)) takes[message.type]?.(message);
      // Its answer to what it has not heard yet; a `cancel` is not answered by another.
      else if (message.type === 'accept') greet();
    },
    greet,
    /** The connection is gone. */
    cut() {
      tries = TRIES;
      timers.clearTimeout(again);
      sender?.detach();
    },
    hold(value) {
      hold('me', value);
      say({ type: value ? 'pause' : 'resume', id });
    },
    cancel() {
      say({ type: 'cancel', id });
      move({ type: 'cancel', by: 'me' });
    },
    end() {
      timers.clearTimeout(again);
      sender?.stop();
      reader?.end();
    },
  };
}
