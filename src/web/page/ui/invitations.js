/**
 * Invitations: one is made, its link and its code are shown; those that hold are listed and can be
 * taken back.
 */

import { qrPath } from '../net/admin.js';
import { formatter } from '../stats/format.js';
import { firstOf } from '../i18n/i18n.js';
import { h, text } from './dom.js';
import { sureButton } from './sure.js';

const SVG = 'http://www.w3.org/2000/svg';
/** A code is read only with this much white around it (ISO/IEC 18004). */
const QUIET = 4;
const SPANS_S = [3600, 2 * 3600, 8 * 3600, 86_400, 7 * 86_400, 30 * 86_400];
const USES = [1, 5, 20, null];
const ROLES = ['viewer', 'participant'];

/** @param {object} actions of the page */
export function createInvitations(actions) {
  const select = (id, testid) => h('select', { class: 'field__input field__input--plain', id, data: { testid } });
  const [span, uses, role] = [select('invite-span', 'invite-span'), select('invite-uses', 'invite-uses'), select('invite-role', 'invite-role')];
  const note = h('input', { class: 'field__input field__input--plain', id: 'invite-note', type: 'text', maxLength: 64, autocomplete: 'off', data: { testid: 'invite-note' } });
  const which = h('div', { class: 'invite__sources' });
  const boxes = new Map();
  const field = (key, input) => h('div', { class: 'invite__field' }, h('label', { class: 'field__label', for: input.id, data: { t: key } }), input);
  const submit = h('button', { type: 'submit', class: 'button button--primary', data: { t: 'admin.invite.make', testid: 'invite-make' } });
  const form = h(
    'form',
    { class: 'invite', data: { testid: 'invite-form' }, on: { submit: make } },
    field('admin.invite.note', note),
    field('admin.invite.span', span),
    field('admin.invite.uses', uses),
    field('admin.invite.role', role),
    h('fieldset', { class: 'invite__which' }, h('legend', { class: 'field__label', data: { t: 'admin.invite.sources' } }), which),
    submit,
  );

  const link = h('input', { class: 'field__input field__input--plain', id: 'invite-link', type: 'text', readOnly: true, data: { testid: 'invite-link' }, on: { focus: () => link.select() } });
  const copy = h('button', { type: 'button', class: 'button', data: { testid: 'invite-copy' }, on: { click: toClipboard } });
  const code = h('div', { class: 'invite__code', data: { testid: 'invite-code' } });
  const made = h(
    'div',
    { class: 'invite__made', role: 'status', hidden: true },
    code,
    h('div', { class: 'invite__link' }, h('label', { class: 'field__label', for: 'invite-link', data: { t: 'admin.invite.link' } }), link, copy, h('p', { class: 'admin__note', data: { t: 'admin.invite.once' } })),
  );
  const heading = h('h3', { class: 'admin__heading', data: { t: 'admin.invite.list' } });
  const none = h('p', { class: 'admin__note', data: { t: 'admin.invite.none' } });
  const list = h('ul', { class: 'admin__list', data: { testid: 'invitations' } });
  const rows = new Map();
  let shown = null;
  let copied = false;
  let state = null;
  let t = null;

  function make(event) {
    event.preventDefault();
    const names = [...boxes].filter(([, { input }]) => input.checked).map(([name]) => name);
    if (names.length === 0) return boxes.values().next().value?.input.focus();
    actions.invite({
      sources: names.length === boxes.size ? null : names,
      expiresS: Number(span.value),
      uses: uses.value === '' ? null : Number(uses.value),
      role: role.value,
      name: note.value.trim(),
    });
    note.value = '';
  }

  async function toClipboard() {
    try {
      await navigator.clipboard.writeText(link.value);
      copied = true;
    } catch {
      link.focus();
    }
    text(copy, t(copied ? 'check.copied' : 'admin.invite.copy'));
  }

  function draw(rowsOfCode) {
    const element = (tag, attributes) => {
      const made = document.createElementNS(SVG, tag);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    };
    const size = rowsOfCode.length + 2 * QUIET;
    const svg = element('svg', { viewBox: `${-QUIET} ${-QUIET} ${size} ${size}`, role: 'img', 'shape-rendering': 'crispEdges' });
    svg.append(
      element('rect', { x: -QUIET, y: -QUIET, width: size, height: size, fill: '#fff' }),
      element('path', { d: qrPath(rowsOfCode), fill: '#000' }),
    );
    code.replaceChildren(svg);
  }

  function options(element, choices) {
    const same = element.children.length === choices.length;
    if (!same) element.replaceChildren(...choices.map(([value]) => h('option', { value })));
    choices.forEach(([, words], index) => text(element.children[index], words));
  }

  function row({ id }) {
    const parts = {
      name: h('p', { class: 'watcher__name' }),
      about: h('p', { class: 'watcher__about' }),
      revoke: sureButton({ testid: 'invite-revoke', press: () => actions.revoke(id) }),
    };
    const element = h('li', { class: 'invitation', data: { testid: 'invitation', invitation: id } }, h('div', { class: 'watcher__text' }, parts.name, parts.about), parts.revoke.root);
    return { ...parts, element };
  }

  function renderList(f) {
    const now = state.invitations ?? [];
    none.hidden = state.invitations === null || now.length > 0;
    for (const [id, { element }] of rows) {
      if (now.some((each) => each.id === id)) continue;
      element.remove();
      rows.delete(id);
    }
    for (const each of now) {
      let parts = rows.get(each.id);
      if (parts === undefined) {
        parts = row(each);
        rows.set(each.id, parts);
        list.append(parts.element);
      }
      const name = each.name || t('admin.invitation.nameless', { id: each.id });
      text(parts.name, name);
      const titles = each.sources?.map((source) => state.sources.find((known) => known.name === source)?.title ?? source);
      const about = [
        firstOf(t, [`role.${each.role}`, 'role.viewer']),
        titles?.join(', ') ?? t('admin.invite.all'),
        each.uses === null ? t('admin.invitation.used', { used: f.count(each.used) }) : t('admin.invitation.used_of', { used: f.count(each.used), uses: f.count(each.uses) }),
        ...(each.expiresMs === null ? [] : [t('admin.invitation.until', { time: f.moment(each.expiresMs) })]),
      ];
      text(parts.about, about.join(' · '));
      parts.revoke.render({ once: t('admin.invitation.revoke'), sure: t('admin.invitation.sure'), name });
    }
  }

  return {
    root: h('div', {}, form, made, heading, none, list),
    render(next, translate) {
      [state, t] = [next, translate];
      const f = formatter(state.lang);
      options(span, SPANS_S.map((seconds) => [String(seconds), f.span(seconds)]));
      options(uses, USES.map((times) => [times === null ? '' : String(times), t(times === null ? 'admin.invite.any' : times === 1 ? 'admin.invite.single' : 'admin.invite.times', { count: times ?? '' })]));
      options(role, ROLES.map((each) => [each, t(`role.${each}`)]));
      const names = state.sources.map(({ name }) => name);
      if (names.join() !== [...boxes.keys()].join()) {
        boxes.clear();
        for (const { name } of state.sources) {
          const input = h('input', { type: 'checkbox', checked: true, data: { testid: 'invite-source', source: name } });
          const words = h('span');
          boxes.set(name, { input, words, element: h('label', { class: 'invite__source' }, input, words) });
        }
        which.replaceChildren(...[...boxes.values()].map(({ element }) => element));
      }
      for (const { name, title } of state.sources) text(boxes.get(name).words, title);
      made.hidden = state.invited === null;
      if (state.invited !== shown) {
        shown = state.invited;
        copied = false;
        if (shown !== null) {
          link.value = shown.link;
          code.hidden = shown.qr.length === 0;
          draw(shown.qr);
        }
      }
      code.firstChild?.setAttribute('aria-label', t('admin.invite.code'));
      copy.hidden = navigator.clipboard === undefined;
      text(copy, t(copied ? 'check.copied' : 'admin.invite.copy'));
      renderList(f);
    },
  };
}
