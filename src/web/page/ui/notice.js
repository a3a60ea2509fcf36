/**
 * What is said in place of the pictures (connecting, ended, failed, nothing there), above them
 * (trying again) and beside them (short notes).
 */

import { firstOf } from '../i18n/i18n.js';
import { shown } from '../state/sources.js';
import { attribute, h, icon, iconButton, setIcon, text } from './dom.js';
import { isMeeting } from './room.js';

/** Attempts after which words of help are due. */
const HINT_AFTER = 5;
/** A loss that mends itself at the first attempt is not worth a banner. */
const QUIET_ATTEMPTS = 1;

/** Causes of which the connection test can tell more. */
const TESTABLE = new Set(['unreachable', 'refused', 'silent', 'slow', 'media', 'interrupted', 'connection_failed', 'timeout']);

const testButton = (actions, className) =>
  h('button', {
    type: 'button',
    class: className,
    data: { t: 'check.offer', testid: 'check-offer' },
    on: { click: actions.check },
  });

/** @param {HTMLElement} root @param {object} actions */
export function createNotice(root, actions) {
  const shape = icon('plug');
  const title = h('h1', { class: 'card__title' });
  const body = h('p', { class: 'card__body' });
  const more = h('p', { class: 'card__more' });
  const button = h('button', { type: 'button', class: 'button button--primary', data: { testid: 'notice-action' } });
  let press = null;
  button.addEventListener('click', () => press?.());
  const mark = h('div', { class: 'card__mark' }, h('span', { class: 'spinner' }), shape);
  const test = testButton(actions, 'button');
  root.append(h('div', { class: 'card', data: { testid: 'notice' } }, mark, title, body, more, button, test));

  return {
    render(state, t) {
      const what = describe(state, t);
      root.hidden = what === null;
      if (what === null) return;
      attribute(root, 'data-look', what.look);
      setIcon(shape, what.icon);
      text(title, what.title);
      text(body, what.body);
      more.hidden = !what.more;
      text(more, what.more ?? '');
      button.hidden = !what.action;
      text(button, what.action === undefined ? '' : t(what.action));
      press = actions[what.press];
      test.hidden = !['reconnecting', 'ended'].includes(state.phase) || state.sources.length > 0 || !TESTABLE.has(state.cause);
    },
  };
}

function describe(state, t) {
  if (state.sources.length > 0) return allHidden(state, t);
  if (isMeeting(state)) return null;
  const said = (known) => (state.message && !known ? t('failed.said', { message: state.message }) : '');
  switch (state.phase) {
    case 'connecting':
      return { look: 'busy', icon: 'plug', title: t('connecting.title'), body: t('connecting.body') };
    case 'reconnecting':
      return { look: 'busy', icon: 'plug', title: t('status.reconnecting'), body: lossWords(state, t), more: hint(state, t) };
    case 'connected':
      return { look: 'calm', icon: 'empty', title: t('empty.title'), body: t('empty.body') };
    case 'ended':
      if (state.cause === 'left') {
        return { look: 'calm', icon: 'stop', title: t('ended.left.title'), body: t('ended.left.body'), action: 'ended.again', press: 'retry' };
      }
      return {
        look: 'calm',
        icon: 'plug',
        title: t('ended.title'),
        body: firstOf(t, [`ended.${state.cause}`, 'ended.other']),
        more: said(state.cause === 'shutdown'),
        action: 'ended.again',
        press: 'retry',
      };
    case 'failed':
      return {
        look: 'failed',
        icon: 'warning',
        title: t('failed.title'),
        body: firstOf(t, [`failed.${state.cause}`, 'failed.other']),
        more: said(false),
        action: 'failed.reload',
        press: 'reload',
      };
    default:
      return null;
  }
}

function allHidden(state, t) {
  if (shown(state.sources, state.hidden).length > 0) return null;
  const [title, body] = [t('hidden.title'), t('hidden.body')];
  return { look: 'calm', icon: 'eye-off', title, body, action: 'hidden.show', press: 'showAll' };
}

const lossWords = (state, t) => firstOf(t, [`lost.${state.cause}`, 'lost.other']);

function hint(state, t) {
  if (state.attempt < HINT_AFTER) return '';
  if (['unreachable', 'refused', 'silent'].includes(state.cause)) return t('hint.unreachable');
  return ['media', 'connection_failed', 'timeout'].includes(state.cause) ? t('hint.media') : '';
}

/** @param {HTMLElement} root @param {object} actions @param {() => number} now */
export function createBanner(root, actions, now) {
  const words = h('p', { class: 'banner__words', role: 'status' });
  const when = h('p', { class: 'banner__when' });
  const help = h('p', { class: 'banner__help' });
  const button = h('button', {
    type: 'button',
    class: 'button button--small',
    data: { t: 'banner.try', testid: 'try-now' },
    on: { click: actions.retry },
  });
  const test = testButton(actions, 'button button--small');
  const banner = h(
    'div',
    { class: 'banner', data: { testid: 'banner' } },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    h('div', { class: 'banner__text' }, words, when, help),
    h('div', { class: 'banner__buttons' }, button, test),
  );
  root.append(banner);
  let timer = null;
  let state = null;
  let t = null;

  function draw() {
    const left = state.retryAt === null ? 0 : Math.max(0, state.retryAt - now());
    const seconds = Math.ceil(left / 1000);
    const waits = state.retryAt !== null && left > 0;
    text(when, state.cause === 'interrupted' ? '' : waits ? t('banner.in', { seconds }) : t('banner.now'));
    // Its place stays, so that nothing jumps.
    button.style.visibility = waits && seconds > 1 ? '' : 'hidden';
    button.hidden = state.cause === 'interrupted';
    clearTimeout(timer);
    if (waits) timer = setTimeout(draw, 250);
  }

  return {
    render(next, translate) {
      [state, t] = [next, translate];
      clearTimeout(timer);
      const quiet = state.attempt <= QUIET_ATTEMPTS && state.cause !== 'interrupted' && state.cause !== 'full';
      banner.hidden = state.phase !== 'reconnecting' || quiet || state.cause === null;
      if (banner.hidden) return;
      text(words, lossWords(state, t));
      text(help, state.sources.length > 0 ? hint(state, t) : '');
      help.hidden = help.textContent === '';
      test.hidden = !TESTABLE.has(state.cause);
      draw();
    },
  };
}

/** Short notes at the edge: each with a way out. */
export function createToasts(root, actions) {
  const shownOnes = new Map();
  return {
    render(state, t) {
      for (const [id, element] of shownOnes) {
        if (!state.toasts.some((toast) => toast.id === id)) {
          element.remove();
          shownOnes.delete(id);
        }
      }
      for (const toast of state.toasts) {
        let element = shownOnes.get(toast.id);
        if (element === undefined) {
          element = h(
            'div',
            { class: 'toast', role: 'status', data: { testid: 'toast' } },
            h('p', { class: 'toast__text' }),
            toast.press === undefined
              ? null
              : h('button', { type: 'button', class: 'button button--small', data: { t: toast.action }, on: { click: () => actions[toast.press]() } }),
            iconButton('close', { label: 'notice.dismiss', on: { click: () => actions.dismiss(toast.id) } }),
          );
          shownOnes.set(toast.id, element);
          root.append(element);
        }
        text(element.firstChild, t(toast.key, toast.values));
      }
    },
  };
}
