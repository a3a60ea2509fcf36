/**
 * The sign-in: by name, by a token or by a password; what was wrong with it, and where to find it.
 */

import { tokenIn } from '../net/access.js';
import { attribute, h, icon, iconButton, label, setIcon, text } from './dom.js';

/** What a password manager is to file a password without a name under. */
const NAMELESS = 'vitrina';

/**
 * The ways in, the first one first: accounts, and what `access` says. Pure.
 * @param {{access: string | null, accounts: boolean, authorized: boolean}} state
 * @returns {('name' | 'token' | 'password')[]}
 */
export function waysIn({ access, accounts, authorized }) {
  const shared = access === 'token' || access === 'password' ? [access] : [];
  // Who is in already wants to be somebody.
  if (accounts && authorized) return ['name'];
  return [...(accounts || access === 'named' ? ['name'] : []), ...shared];
}

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {(login: object) => Promise<import('../net/access.js').SignIn>} options.signIn
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
  let chosen = null;

  const title = h('h1', { class: 'card__title', data: { t: 'signin.title' } });
  const body = h('p', { class: 'card__body', id: 'signin-body' });
  const choices = ['name', 'token', 'password'].map((value) => {
    const input = h('input', {
      type: 'radio',
      name: 'way',
      value,
      class: 'pill__input',
      data: { testid: `signin-way-${value}` },
      on: { change: () => choose(value) },
    });
    return { value, input, element: h('label', { class: 'pill' }, input, h('span', { data: { t: `signin.way.${value}` } })) };
  });
  const pills = h('div', { class: 'pills', role: 'radiogroup', data: { tLabel: 'signin.ways' } }, ...choices.map(({ element }) => element));
  const userCaption = h('label', { class: 'field__label', for: 'user', data: { t: 'signin.name.label' } });
  const user = h('input', {
    class: 'field__input field__input--plain',
    id: 'user',
    name: 'username',
    type: 'text',
    autocomplete: 'username',
    autocapitalize: 'off',
    spellcheck: false,
    'aria-describedby': 'signin-error signin-body',
    data: { testid: 'signin-name' },
  });
  const userField = h('div', { class: 'field field--name' }, user);
  // Password managers want a user name beside a password.
  const nobody = h('input', { type: 'text', value: NAMELESS, autocomplete: 'username', hidden: true, 'aria-hidden': 'true', tabIndex: -1 });
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
  const back = h('button', {
    type: 'button',
    class: 'button button--wide form__back',
    data: { t: 'signin.back', testid: 'signin-back' },
    on: { click: onSuccess },
  });
  const help = h(
    'details',
    { class: 'card__help' },
    h('summary', { data: { t: 'signin.help' } }),
    h('p', { data: { t: 'signin.help.body' } }),
  );
  const form = h(
    'form',
    { class: 'form', noValidate: true, data: { testid: 'signin-form' }, on: { submit: send } },
    pills,
    userCaption,
    userField,
    nobody,
    caption,
    h('div', { class: 'field' }, input, reveal),
    error,
    submit,
    back,
  );
  root.append(h('div', { class: 'card card--form' }, h('div', { class: 'card__mark' }, icon('lock')), title, body, form, help));
  for (const field of [user, input]) {
    field.addEventListener('input', () => {
      if (problem === null || problem === 'throttled') return;
      problem = null;
      draw();
    });
  }

  function way() {
    const ways = waysIn(state);
    return ways.includes(chosen) ? chosen : (ways[0] ?? 'token');
  }

  function choose(value) {
    chosen = value;
    if (problem !== 'throttled') problem = null;
    input.value = '';
    draw();
  }

  function turn() {
    input.type = input.type === 'password' ? 'text' : 'password';
    draw();
    input.focus();
  }

  function fail(code, field = input) {
    problem = code;
    draw();
    field.focus();
    field.select();
  }

  /** What is typed, as the daemon wants it, or what is missing. */
  function typed() {
    const name = user.value.trim();
    if (way() === 'name' && name === '') return { missing: 'empty_name', field: user };
    if (input.value.trim() === '') return { missing: way() === 'token' ? 'empty' : 'empty_password' };
    if (way() === 'name') return { login: { name, password: input.value } };
    if (way() === 'password') return { login: { password: input.value } };
    const token = tokenIn(input.value);
    return token === null ? { missing: 'no_token' } : { login: { token } };
  }

  async function send(event) {
    event.preventDefault();
    if (busy || Date.now() < blockedUntil) return;
    const { login, missing, field } = typed();
    if (missing !== undefined) return fail(missing, field);
    busy = true;
    problem = null;
    draw();
    const result = await signIn(login);
    busy = false;
    if (result.ok) {
      input.value = '';
      draw();
      onSuccess();
      return;
    }
    if (result.code === 'throttled') blockedUntil = Date.now() + result.retryMs;
    fail(result.code === 'wrong_password' && way() === 'name' ? 'wrong_login' : result.code);
  }

  function draw() {
    const now = way();
    const ways = waysIn(state);
    const seconds = Math.ceil((blockedUntil - Date.now()) / 1000);
    const waits = seconds > 0;
    if (problem === 'throttled' && !waits) problem = null;
    clearTimeout(timer);
    if (waits && visible) timer = setTimeout(draw, 250);
    text(body, t(`signin.${now}.body`));
    pills.hidden = ways.length < 2;
    for (const { value, input: radio, element } of choices) {
      element.hidden = !ways.includes(value);
      if (radio.checked !== (value === now)) radio.checked = value === now;
    }
    userCaption.hidden = userField.hidden = now !== 'name';
    // A form has one name for its password: the one that is typed, or the one that stands for none.
    user.disabled = now !== 'name';
    nobody.disabled = now === 'name';
    const secret = now === 'token' ? 'token' : 'password';
    text(caption, t(`signin.${secret}.label`));
    attribute(input, 'placeholder', now === 'name' ? null : t(`signin.${secret}.placeholder`));
    help.hidden = now !== 'token';
    const hidden = input.type === 'password';
    setIcon(reveal.firstChild, hidden ? 'eye' : 'eye-off');
    label(reveal, t(hidden ? 'signin.reveal' : 'signin.conceal'));
    const key = `signin.error.${problem}`;
    const words = problem === null ? '' : t(key, { seconds: Math.max(1, seconds) });
    text(error, words === key ? t('signin.error.other') : words);
    const wrong = problem !== null && problem !== 'revoked';
    attribute(input, 'aria-invalid', String(wrong && problem !== 'empty_name'));
    attribute(user, 'aria-invalid', String(problem === 'empty_name' || problem === 'wrong_login'));
    submit.disabled = busy || waits;
    text(submit, t(busy ? 'signin.busy' : 'signin.submit'));
    back.hidden = !state.authorized;
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
        // A link's token that was refused is to be put right, not a name.
        chosen = problem === 'wrong_token' ? 'token' : null;
        if (state.cause === 'throttled') blockedUntil = Date.now() + (state.refusal?.retryMs ?? 5000);
      }
      draw();
      if (appears) (way() === 'name' ? user : input).focus({ preventScroll: true });
    },
  };
}
