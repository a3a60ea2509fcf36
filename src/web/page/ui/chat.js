/**
 * What is said in the room, and the place to say something.
 */

import { dayWords, entriesOf, localeOf } from '../room/entries.js';
import { partsOf } from '../room/links.js';
import { inWords } from '../room/people.js';
import { LONGEST_TEXT } from '../room/talk.js';
import { createAvatar } from './avatar.js';
import { attribute, h, icon, iconButton, text } from './dom.js';

/** So many lines are shown at first, and so many more each time they are asked for. */
const SHOWN = 300;
/** Nearer to the end than this is at the end. */
const NEAR = 48;
/** From here on one is told how much room is left. */
const TELL_LEFT = 300;

const lengthOf = (words) => [...words].length;

/** Text with its links: every part is text, whatever stands in it. */
function words(said) {
  return partsOf(said).map(({ text: part, href }) =>
    href === null ? part : h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part),
  );
}

/**
 * @param {object} acts what a person can do in the room
 * @param {HTMLElement[]} [beside] what else can be sent, left of where one writes
 */
export function createChat(acts, beside = []) {
  const list = h('ol', { class: 'chat__list' });
  const log = h('div', { role: 'log', 'aria-live': 'off', data: { tLabel: 'room.log', testid: 'chat' } }, list);
  const earlier = h('button', { type: 'button', class: 'button button--small chat__earlier', hidden: true, data: { t: 'room.earlier', testid: 'chat-earlier' }, on: { click: showEarlier } });
  const empty = h('p', { class: 'chat__empty', data: { t: 'room.chat.empty' } });
  const waiting = h('ol', { class: 'chat__pending' });
  const scroller = h('div', { class: 'chat__scroller', role: 'group', tabIndex: 0, data: { tLabel: 'room.chat' } }, earlier, empty, log, waiting);
  const newer = h('button', { type: 'button', class: 'chat__newer', hidden: true, data: { testid: 'chat-newer' }, on: { click: () => toEnd() } }, icon('down'), h('span', { data: { t: 'room.newer' } }));
  const input = h('textarea', {
    class: 'composer__input',
    rows: 1,
    enterKeyHint: 'send',
    autocomplete: 'off',
    data: { tLabel: 'room.write', testid: 'chat-input' },
    on: { input: fit, keydown: key },
  });
  const left = h('p', { class: 'composer__left', role: 'status', hidden: true });
  const send = iconButton('send', { label: 'room.send', testid: 'chat-send', class: 'composer__send' });
  send.type = 'submit';
  const form = h('form', { class: 'composer', on: { submit } }, ...beside, input, send);
  const closed = h('p', { class: 'composer__closed', role: 'status', hidden: true, data: { testid: 'chat-closed' } });
  const root = h('section', { class: 'chat' }, h('div', { class: 'chat__room' }, scroller, newer), left, form, closed);

  let state = null;
  let t = null;
  let language = 'en';
  let shown = SHOWN;
  /** What is drawn, so that nothing is drawn again. */
  let drawn = { messages: null, comings: null, language: null, day: null, shown: 0, me: null };
  let drawnPending = {};
  const lines = new Map();
  const pendings = new Map();
  /** Whether the end is in view: then it stays there. */
  let atEnd = true;

  scroller.addEventListener('scroll', () => {
    atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    if (atEnd) newer.hidden = true;
  }, { passive: true });
  new ResizeObserver(() => atEnd && toEnd()).observe(scroller);

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    atEnd = true;
    newer.hidden = true;
  }

  function showEarlier() {
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    shown += SHOWN;
    draw();
    scroller.scrollTop = scroller.scrollHeight - fromEnd;
    scroller.focus({ preventScroll: true });
  }

  function submit(event) {
    event.preventDefault();
    if (lengthOf(input.value) > LONGEST_TEXT || !acts.say(input.value)) return;
    input.value = '';
    fit();
    toEnd();
    input.focus();
  }

  function key(event) {
    // What an input method composes is not sent by the key that ends it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    submit(event);
  }

  function fit() {
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight + 2}px`;
    tellLeft();
  }

  function tellLeft() {
    const rest = LONGEST_TEXT - lengthOf(input.value);
    left.hidden = rest > TELL_LEFT;
    text(left, left.hidden || t === null ? '' : t(rest < 0 ? 'room.too_long' : 'room.left', { count: Math.abs(rest) }));
    attribute(left, 'data-over', rest < 0);
    send.disabled = input.value.trim() === '' || rest < 0;
  }

  const clock = (timeMs) => new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(timeMs);
  const moment = (timeMs) => new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' }).format(timeMs);

  function line(entry) {
    switch (entry.kind) {
      case 'day':
        return h('li', { class: 'chat__day', data: { testid: 'chat-day' } }, h('span', {}, dayWords(entry.timeMs, Date.now(), t, language)));
      case 'gap':
        return h('li', { class: 'chat__note' }, t('room.gap'));
      case 'coming':
        return h('li', { class: 'chat__note', data: { testid: 'chat-note' } }, comingWords(t, entry));
      default:
        return saidLine(entry);
    }
  }

  function saidLine({ said, first }) {
    const own = said.from === state.room.me?.id;
    const time = h('time', { class: 'said__time', dateTime: new Date(said.timeMs).toISOString(), title: moment(said.timeMs) }, clock(said.timeMs));
    const body = h('p', { class: 'said__text', dir: 'auto', data: { testid: 'said-text' } }, ...words(said.text));
    const data = { testid: 'said', seq: String(said.seq), from: String(said.from), own: String(own), colour: String(said.colour) };
    if (!first) return h('li', { class: 'said', data }, time, body);
    const avatar = createAvatar();
    avatar.render(said);
    const name = h('span', { class: 'said__name', data: { testid: 'said-name' } }, h('bdi', {}, own ? t('room.you', { name: said.name }) : said.name));
    return h('li', { class: 'said said--first', data }, avatar.root, h('p', { class: 'said__head' }, name, time), body);
  }

  function pendingLine(one) {
    const note = h('p', { class: 'said__note' });
    const button = h('button', {
      type: 'button',
      class: 'button button--small',
      data: { t: 'room.edit_again', testid: 'unsay' },
      on: {
        click: () => {
          input.value = [acts.unsay(one.id), input.value].filter((each) => each !== '').join('\n');
          fit();
          input.focus();
        },
      },
    });
    const root = h('li', { class: 'said said--pending', data: { testid: 'pending' } }, h('p', { class: 'said__text', dir: 'auto' }, ...words(one.text)), note, button);
    return { root, note, button };
  }

  function drawPending() {
    const { pending, inside } = state.room;
    if (pending === drawnPending.pending && inside === drawnPending.inside && language === drawnPending.language) return false;
    drawnPending = { pending, inside, language };
    for (const [id, { root: element }] of pendings) {
      if (pending.some((each) => each.id === id)) continue;
      element.remove();
      pendings.delete(id);
    }
    for (const one of pending) {
      let made = pendings.get(one.id);
      if (made === undefined) {
        made = pendingLine(one);
        pendings.set(one.id, made);
        waiting.append(made.root);
      }
      attribute(made.root, 'data-failed', one.failed !== null);
      made.button.hidden = one.failed === null;
      text(made.note, t(one.failed === null ? (inside ? 'room.sending' : 'room.waiting') : `room.refused.${one.failed}`));
    }
    waiting.hidden = pending.length === 0;
    return true;
  }

  function draw() {
    const { messages, me } = state.room;
    const { comings } = state;
    const day = new Date().toDateString();
    const now = { messages, comings, language, day, shown, me: me?.id ?? null };
    if (Object.keys(now).every((each) => now[each] === drawn[each])) return false;
    const entries = entriesOf(messages, comings);
    // Other words, or other names of the days: all anew.
    if (language !== drawn.language || day !== drawn.day || now.me !== drawn.me) {
      lines.clear();
      list.replaceChildren();
    }
    drawn = now;
    const seen = entries.slice(-shown);
    earlier.hidden = entries.length <= seen.length;
    const keys = new Set(seen.map((each) => each.key));
    for (const [each, element] of lines) {
      if (keys.has(each)) continue;
      element.remove();
      lines.delete(each);
    }
    let before = null;
    for (const entry of seen) {
      let element = lines.get(entry.key);
      if (element === undefined) {
        element = line(entry);
        lines.set(entry.key, element);
        if (before === null) list.prepend(element);
        else before.after(element);
      }
      before = element;
    }
    return true;
  }

  return {
    root,
    focus: () => (form.hidden ? scroller : input).focus(),
    /** What was begun to be written is nobody else's. It may not be seen: then it has no height to be measured. */
    forget() {
      input.value = '';
      input.style.height = 'auto';
      tellLeft();
    },
    toEnd,
    /** @param {object} next of the page @param {Function} translate */
    render(next, translate) {
      [state, t] = [next, translate];
      language = localeOf(state.lang, navigator.languages ?? []);
      const count = state.room.messages.length + state.room.pending.length;
      const isNew = drawn.messages !== null && state.room.messages.length > drawn.messages.length;
      const stays = atEnd;
      // What was said before one came is read where it stands, not aloud.
      if (drawn.messages !== null) attribute(log, 'aria-live', 'polite');
      const changed = [draw(), drawPending()].some(Boolean);
      empty.hidden = count > 0 || state.comings.length > 0;
      if (changed && stays) toEnd();
      else if (isNew) newer.hidden = false;
      attribute(input, 'placeholder', t('room.write'));
      form.hidden = !state.room.mayTalk;
      closed.hidden = state.room.mayTalk;
      text(closed, state.room.mayTalk ? '' : t('room.may_not_talk'));
      tellLeft();
    },
  };
}

/** Who came and who went, as one sentence or two. */
export function comingWords(t, { came, went }) {
  const sentences = [];
  if (came.length > 0) sentences.push(inWords(t, 'came', came));
  if (went.length > 0) sentences.push(inWords(t, 'went', went));
  return sentences.join(' ');
}
