/**
 * What is said in the room, both ways: nothing is lost and nothing doubled when the connection or the
 * way of messages changes. What this page says has an id; it is said again until it is heard, and
 * the daemon drops what it has of the same participant. What others say is in the log's order.
 */

import { Log, saidFrom } from './log.js';

/** A gap in the messages usually closes by itself; after so long it is asked for, and again. */
const GAP_MS = 400;
const GAP_AGAIN_MS = 2000;
/** What was refused as too fast is said again after so long. */
const TOO_FAST_MS = 1200;
/** A message's length, in characters, that the daemon takes. */
export const LONGEST_TEXT = 4000;

const historyFrom = (messages) =>
  (Array.isArray(messages) ? messages : []).map((each) => saidFrom(each)).filter((each) => each !== null);

/**
 * @param {object} options
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => string} options.newId for a message: unlike every other
 * @param {(message: object) => void} options.send
 * @param {(said: import('./log.js').Said, about: {own: boolean}) => void} options.onSaid news, once each
 */
export function createTalk({ timers, newId, send, onSaid }) {
  let log = new Log();
  /** What this page has said and not yet heard itself say: {id, text, failed}. */
  let pending = [];
  let inside = false;
  /** Whether it has been in the room before: what comes then is news. */
  let wasHere = false;
  /** As another participant than before: what was said then may be in history that is still to come. */
  let reading = false;
  /** What has been said and not heard yet: one after the other, so that their order stays. */
  let flying = null;
  let gapTimer = null;
  let fastTimer = null;

  function heard(fresh, isNews) {
    if (fresh.length === 0) return;
    const ids = new Set(fresh.map(({ id }) => id));
    const own = new Set(pending.filter(({ id }) => ids.has(id)).map(({ id }) => id));
    pending = pending.filter(({ id }) => !ids.has(id));
    speak();
    if (isNews) for (const each of fresh) onSaid(each, { own: own.has(each.id) });
  }

  const unsaid = () => pending.filter(({ failed }) => failed === null);
  const catchUp = () => send({ type: 'catch_up', since: log.last });

  function speak() {
    const [next] = unsaid();
    if (!inside || reading || next === undefined || next.id === flying) return;
    flying = next.id;
    send({ type: 'say', id: next.id, text: next.text });
  }

  /** What is on its way may be lost. The daemon drops what it has of the same participant. */
  function speakAgain() {
    flying = null;
    speak();
  }

  function watchGap(ms = GAP_MS) {
    if (!log.gap) {
      timers.clearTimeout(gapTimer);
      gapTimer = null;
      return;
    }
    gapTimer ??= timers.setTimeout(() => {
      gapTimer = null;
      catchUp();
      watchGap(GAP_AGAIN_MS);
    }, ms);
  }

  return {
    get messages() {
      return log.messages;
    },
    get pending() {
      return pending;
    },
    /** The number up to which everything is here. */
    get last() {
      return log.last;
    },

    /** In the room. @param {object[]} history @param {boolean} resumed as the same participant */
    entered(history, resumed) {
      const known = historyFrom(history);
      heard(resumed ? log.fill(known) : log.restart(known), wasHere);
      wasHere = true;
      inside = true;
      reading = !resumed && unsaid().length > 0;
      if (reading) catchUp();
      else speakAgain();
      watchGap();
    },
    /** Not in the room, or not reached. */
    outside() {
      inside = false;
      reading = false;
      for (const timer of [gapTimer, fastTimer]) timers.clearTimeout(timer);
      gapTimer = null;
      fastTimer = null;
    },
    /** Whoever comes next is somebody else. */
    forget() {
      log = new Log();
      pending = [];
      wasHere = false;
    },
    /** What is on its way by the way that was may be lost with it. */
    wayChanged() {
      if (!inside) return;
      catchUp();
      speakAgain();
    },

    said(message) {
      const said = saidFrom(message);
      if (said === null) return;
      heard(log.add(said), true);
      watchGap();
    },
    history({ messages }) {
      const fresh = log.fill(historyFrom(messages));
      heard(fresh, true);
      // Only an answer with nothing new in it says that all has been read.
      if (reading && fresh.length > 0) catchUp();
      else if (reading) {
        reading = false;
        speakAgain();
      }
      watchGap();
    },

    /** @returns {boolean} whether there was something to say */
    say(text) {
      if (text.trim() === '') return false;
      const one = { id: newId(), text, failed: null };
      pending = [...pending, one];
      speak();
      return true;
    },
    /** Gives up what was not taken. @returns {string} what it was */
    unsay(id) {
      const one = pending.find((each) => each.id === id);
      pending = pending.filter((each) => each !== one);
      speak();
      return one?.text ?? '';
    },
    /** The daemon did not take what was said. @returns {boolean} whether that mends itself */
    refused(code) {
      if (unsaid().length === 0) return false;
      if (code === 'too_fast') {
        fastTimer ??= timers.setTimeout(() => {
          fastTimer = null;
          if (reading) catchUp();
          else speakAgain();
        }, TOO_FAST_MS);
        return true;
      }
      if (['may_not_talk', 'bad_text'].includes(code)) {
        const [first] = unsaid();
        pending = pending.map((each) => (each === first ? { ...each, failed: code } : each));
        speakAgain();
      }
      return false;
    },
  };
}
