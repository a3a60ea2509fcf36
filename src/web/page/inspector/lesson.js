/**
 * What is said of one step: in plain words, where it is specified, and what was sent.
 */

import { h, text } from '../ui/dom.js';
import { toClipboard, wordButton } from './parts.js';
import { withoutSecrets } from './redact.js';
import { SPECS } from './story.js';

/** @param {{step: (by: number) => void}} options goes to another step */
export function createLesson({ step: go }) {
  let shown = null;
  let copied = null;
  let t = null;
  const time = h('p', { class: 'lesson__time' });
  const name = h('h3', { class: 'lesson__name', data: { testid: 'lesson-name' } });
  const words = h('p', { class: 'lesson__words', data: { testid: 'lesson-words' } });
  const spec = h('p', { class: 'lesson__spec', data: { testid: 'lesson-spec' } });
  const heading = h('h4', { class: 'lesson__heading', data: { t: 'inspect.step.message' } });
  const copy = wordButton('lesson-copy', 'button--small', async () => {
    if (await toClipboard(content.textContent)) copied = shown;
    say();
  });
  const content = h('pre', { class: 'lesson__content', tabIndex: 0, data: { testid: 'lesson-content' } });
  const hidden = h('p', { class: 'lesson__hidden', data: { t: 'inspect.step.hidden' } });
  const message = h('div', { class: 'lesson__message' }, h('div', { class: 'lesson__bar' }, heading, copy.button), content, hidden);
  const back = h('button', { type: 'button', class: 'button button--small', 'aria-label': '', on: { click: () => go(-1) } }, '←');
  const next = h('button', { type: 'button', class: 'button button--small', 'aria-label': '', on: { click: () => go(1) } }, '→');
  const root = h(
    'aside',
    { class: 'lesson', data: { testid: 'lesson' } },
    h('div', { class: 'lesson__bar' }, time, h('div', { class: 'lesson__steps' }, back, next)),
    h('div', { 'aria-live': 'polite' }, name, words, spec),
    message,
  );

  function say() {
    copy.say(t(copied === shown ? 'inspect.step.copied' : 'inspect.step.copy'));
  }

  return {
    root,
    /** @param {object | null} step of `story.js` @param {{first: boolean, last: boolean}} place */
    render(step, place, translate, f) {
      t = translate;
      root.hidden = step === null;
      if (step === null) return;
      shown = step.id;
      back.disabled = place.first;
      next.disabled = place.last;
      back.setAttribute('aria-label', t('inspect.step.back'));
      next.setAttribute('aria-label', t('inspect.step.next'));
      text(time, f.since(step.ms));
      text(name, [step.name, step.note].filter((part) => part !== '').join('  '));
      text(words, t(`lesson.${step.lesson}`));
      text(spec, SPECS[step.lesson]);
      const sent = contentOf(step.entry);
      message.hidden = sent === '';
      copy.button.hidden = navigator.clipboard === undefined;
      hidden.hidden = !sent.includes('•••');
      text(content, sent);
      say();
    },
  };
}

/** A message as it can be read: a description as its lines, all else as JSON. */
function contentOf({ kind, message }) {
  if (kind !== 'signal') return '';
  const { type, sdp, ...rest } = message;
  const others = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, null, 2);
  if (sdp === undefined) return others;
  return [withoutSecrets(sdp).trim(), others].filter((part) => part !== '').join('\n\n');
}
