/**
 * One file on its way from one participant: what is said about it from this side, and where it goes.
 */

import { isOver } from './machine.js';
import { createReceiver, reasonOf } from './receiver.js';

/** After a reload the page before may still have the file open for a moment. */
const BUSY_MS = 250;
const BUSY_TRIES = 12;

/**
 * @param {object} options
 * @param {object} options.entry of transfers.js
 * @param {object} options.workshop
 * @param {(bytes: number) => Promise<boolean>} options.hasRoom
 * @param {() => object} options.resume where it was going when the page was loaded again
 * @param {object} options.timers
 * @param {(message: object) => void} options.say
 * @param {(event: object) => void} options.move
 * @param {(bytes: number) => void} options.progress
 */
export function createIncoming({ entry, workshop, hasRoom, resume, timers, say, move, progress }) {
  const { id, size, mime } = entry;
  let sink = null;
  let receiver = null;
  /** What the sender says the digest is, and what it is here. */
  let told = null;
  let found = null;
  let finishing = false;

  const over = () => isOver(entry.state);

  function fail(reason) {
    if (over()) return;
    say({ type: 'failed', id, reason });
    move({ type: 'fail', reason });
  }

  async function open(where, tries = BUSY_TRIES) {
    try {
      return await workshop.sink(where);
    } catch (error) {
      if (error?.name !== 'NoModificationAllowedError' || tries === 0) throw error;
      await new Promise((resolve) => timers.setTimeout(resolve, BUSY_MS));
      return open(where, tries - 1);
    }
  }

  async function compare() {
    // After a cut the sender says it again.
    if (told === null || found === null || finishing || over()) return;
    if (told !== found) {
      fail('hash');
      return;
    }
    finishing = true;
    try {
      entry.file = await sink.finish();
    } catch (error) {
      fail(reasonOf(error));
      return;
    }
    if (over()) return;
    say({ type: 'verified', id });
    move({ type: 'verified' });
  }

  /** Tells where to go on; what the other side holds up, it says again. */
  function accepted(from) {
    if (over() || entry.state.phase === 'parted') return;
    const held = entry.state.phase === 'moving' && entry.state.held.me;
    move({ type: 'accept' });
    if (found !== null) move({ type: 'sent' });
    say({ type: 'accept', id, from });
    if (held) say({ type: 'pause', id });
  }

  /**
   * Takes it.
   * @param {object} where as for `workshop.sink`
   */
  async function accept(where) {
    if (over() || entry.where !== null) return;
    entry.where = where.kind;
    try {
      if (!(await hasRoom(where.keep ? 0 : size, where))) throw Object.assign(new Error('no room'), { name: 'QuotaExceededError' });
      sink = await open({ ...where, size, mime });
    } catch (error) {
      fail(reasonOf(error));
      return;
    }
    if (over()) {
      sink.end(true);
      return;
    }
    receiver = createReceiver({
      size,
      sink,
      from: sink.from,
      on: {
        progress,
        complete(sha256) {
          found = sha256;
          move({ type: 'sent' });
          compare();
        },
        fail,
      },
    });
    progress(sink.from);
    accepted(sink.from);
    receiver.begin();
  }

  const takes = {
    /** Offered again, after a cut; or of another page's beginning. */
    async offer() {
      if (receiver !== null) accepted(await receiver.settle());
      else if (entry.before !== null) await accept(resume());
    },
    done({ sha256 }) {
      told = sha256;
      compare();
    },
    pause: () => move({ type: 'hold', by: 'them', value: true }),
    resume: () => move({ type: 'hold', by: 'them', value: false }),
    cancel: () => move({ type: 'cancel', by: 'them' }),
    failed: ({ reason }) => move({ type: 'fail', reason }),
  };

  /** How it ended, for a sender that does not know. */
  function tellEnd() {
    const { phase, by, reason } = entry.state;
    if (phase === 'done') say({ type: 'verified', id });
    else if (phase === 'refused') say({ type: 'refuse', id, reason });
    else if (phase === 'failed' && reason !== 'gone') say({ type: 'failed', id, reason });
    else if (phase !== 'cancelled' || by === 'me') say({ type: 'cancel', id });
  }

  return {
    accept,
    refuse(reason) {
      say({ type: 'refuse', id, reason });
      move({ type: 'refuse', by: 'me', reason });
    },
    message(message) {
      if (!over()) takes[message.type]?.(message);
      else if (message.type === 'offer') tellEnd();
    },
    /** The sender has made a channel for it. @returns {boolean} whether it was awaited */
    channel(channel) {
      if (over() || receiver === null) return false;
      receiver.attach(channel);
      return true;
    },
    greet() {
      if (entry.state.phase === 'cancelled' && entry.state.by === 'me') say({ type: 'cancel', id });
    },
    cut: () => receiver?.detach(),
    hold(value) {
      move({ type: 'hold', by: 'me', value });
      say({ type: value ? 'pause' : 'resume', id });
    },
    cancel() {
      say({ type: 'cancel', id });
      move({ type: 'cancel', by: 'me' });
    },
    end() {
      receiver?.stop();
      sink?.end(entry.state.phase !== 'done');
    },
  };
}
