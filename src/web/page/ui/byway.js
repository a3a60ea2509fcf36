/**
 * What is said below the pictures while they come by the WebSocket: why, what is being done about it, and
 * where to learn more. Whoever has read it may put it away; the status in the heading goes on saying it.
 */

import { hasOpus } from '../sound/opus.js';
import { hasAudio, shown } from '../state/sources.js';
import { attribute, h, icon, iconButton, text } from './dom.js';

/** @param {HTMLElement} root @param {object} actions @param {() => number} now */
export function createByway(root, actions, now) {
  const why = h('p', { class: 'byway__words', role: 'status' });
  const when = h('p', { class: 'byway__when' });
  const silent = h('p', { class: 'byway__when', data: { t: 'pictures.silent', testid: 'pictures-silent' } });
  const button = (testid, key, press) =>
    h('button', { type: 'button', class: 'button button--small', data: { t: key, testid }, on: { click: press } });
  const again = button('pictures-try', 'banner.try', actions.tryWebRtc);
  const check = button('pictures-check', 'pictures.check', actions.check);
  const close = iconButton('close', { testid: 'pictures-close', label: 'pictures.close', on: { click: put } });
  root.append(
    icon('plug'),
    h('div', { class: 'byway__text' }, why, when, silent),
    h('div', { class: 'byway__buttons' }, again, check),
    close,
  );
  let timer = null;
  let state = null;
  let t = null;
  /** Of which reason it has been put away. */
  let away = null;

  function put() {
    away = state.pictures.why;
    root.hidden = true;
  }

  function draw() {
    clearTimeout(timer);
    const { retryAt, trying } = state.pictures;
    const seconds = retryAt === null ? 0 : Math.ceil(Math.max(0, retryAt - now()) / 1000);
    const words = trying ? t('pictures.trying') : seconds > 0 ? t('banner.in', { seconds }) : '';
    text(when, words);
    // Its place stays, so that nothing jumps.
    again.style.visibility = !trying && seconds > 1 ? '' : 'hidden';
    if (seconds > 0) timer = setTimeout(draw, 250);
  }

  return {
    render(next, translate) {
      [state, t] = [next, translate];
      clearTimeout(timer);
      const { pictures } = state;
      if (pictures === null) away = null;
      root.hidden = pictures === null || state.phase !== 'connected' || away === pictures.why;
      if (root.hidden) return;
      attribute(root, 'data-why', pictures.why);
      text(why, t(`pictures.${pictures.why}`));
      silent.hidden = hasOpus() || !shown(state.sources, state.hidden).some(hasAudio);
      again.hidden = pictures.why === 'absent';
      check.hidden = pictures.why === 'absent';
      draw();
    },
  };
}
