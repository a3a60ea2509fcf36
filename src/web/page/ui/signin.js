/**
 * The sign-in: a token or a password, what was wrong with it, and where to find it.
 */

import { tokenIn } from '../net/access.js';
import { attribute, h, icon, iconButton, label, setIcon, text } from './dom.js';

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {(kind: 'token' | 'password', secret: string) => Promise<import('../net/access.js').SignIn>} options.signIn
 * @param {() => void} options.onSuccess
 */
export function createSignIn(root, { signIn, onSuccess }) {
  /** `code` of what went wrong, or null; and until when nothing may be tried. */
  let problem = null;
  let blockedUntil = 0;
  let busy = false;
  let state = null;
  let t = null;
  let visible = false;
  let timer = null;

  const title = h('h1', { class: 'card__title', data: { t: 'signin.title' } });
  const body = h('p', { class: 'card__body', id: 'signin-body' });
  // Password managers want a user name beside a password.
  const user = h('input', { type: 'text', name: 'username', value: 'vitrina', autocomplete: 'username', hidden: true, 'aria-hidden': 'true', tabIndex: -1 });
  const caption = h('label', { class: 'field__label', for: 'secret' });
  const input = h('input', {
    class: 'field__input',
    id: 'secret',
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
    autocapitalize: 'off',
    spellcheck: false,
    'aria-describedby': 'signin-error signin-body',
    data: { testid: 'signin-secret' },
  });
  const reveal = iconButton('eye', { testid: 'signin-reveal', on: { click: turn } });
  const error = h('p', { class: 'field__error', id: 'signin-error', role: 'alert', data: { testid: 'signin-error' } });
  const submit = h('button', { type: 'submit', class: 'button button--primary button--wide', data: { testid: 'signin-submit' } });
  const help = h(
    'details',
    { class: 'card__help' },
    h('summary', { data: { t: 'signin.help' } }),
    h('p', { data: { t: 'signin.help.body' } }),
  );
  const form = h(
    'form',
    { class: 'form', noValidate: true, data: { testid: 'signin-form' }, on: { submit: send } },
    user,
    caption,
    h('div', { class: 'field' }, input, reveal),
    error,
    submit,
  );
  root.append(h('div', { class: 'card card--form' }, h('div', { class: 'card__mark' }, icon('lock')), title, body, form, help));
  input.addEventListener('input', () => {
    if (problem === null || problem === 'throttled') return;
    problem = null;
    draw();
  });

  const kind = () => (state.access === 'password' ? 'password' : 'token');

  function turn() {
    input.type = input.type === 'password' ? 'text' : 'password';
    draw();
    input.focus();
  }

  function fail(code) {
    problem = code;
    draw();
    input.focus();
    input.select();
  }

  async function send(event) {
    event.preventDefault();
    if (busy || Date.now() < blockedUntil) return;
    const password = kind() === 'password';
    if (input.value.trim() === '') return fail(password ? 'empty_password' : 'empty');
    const secret = password ? input.value : tokenIn(input.value);
    if (secret === null) return fail('no_token');
    busy = true;
    problem = null;
    draw();
    const result = await signIn(kind(), secret);
    busy = false;
    if (result.ok) {
      input.value = '';
      draw();
      onSuccess();
      return;
    }
    if (result.code === 'throttled') blockedUntil = Date.now() + result.retryMs;
    fail(result.code);
  }

  function draw() {
    const way = kind();
    const seconds = Math.ceil((blockedUntil - Date.now()) / 1000);
    const waits = seconds > 0;
    if (problem === 'throttled' && !waits) problem = null;
    clearTimeout(timer);
    if (waits && visible) timer = setTimeout(draw, 250);
    text(body, t(`signin.${way}.body`));
    text(caption, t(`signin.${way}.label`));
    attribute(input, 'placeholder', t(`signin.${way}.placeholder`));
    help.hidden = way === 'password';
    const hidden = input.type === 'password';
    setIcon(reveal.firstChild, hidden ? 'eye' : 'eye-off');
    label(reveal, t(hidden ? 'signin.reveal' : 'signin.conceal'));
    const key = `signin.error.${problem}`;
    const words = problem === null ? '' : t(key, { seconds: Math.max(1, seconds) });
    text(error, words === key ? t('signin.error.other') : words);
    attribute(input, 'aria-invalid', String(problem !== null));
    submit.disabled = busy || waits;
    text(submit, t(busy ? 'signin.busy' : 'signin.submit'));
  }

  return {
    render(next, translate) {
      [state, t] = [next, translate];
      const now = state.phase === 'signed-out';
      const appears = now && !visible;
      visible = now;
      root.hidden = !visible;
      if (!visible) {
        clearTimeout(timer);
        return;
      }
      if (appears) {
        problem = state.cause;
        if (state.cause === 'throttled') blockedUntil = Date.now() + (state.refusal?.retryMs ?? 5000);
      }
      draw();
      if (appears) input.focus({ preventScroll: true });
    },
  };
}
