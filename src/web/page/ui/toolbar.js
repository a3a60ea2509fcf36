/**
 * The controls: layout, sources, sound, statistics, full screen, and the menu.
 */

import { firstOf, LANGUAGES } from '../i18n/i18n.js';
import { LAYOUTS, THEMES } from '../state/settings.js';
import { hasAudio, hasVideo, shown } from '../state/sources.js';
import { causeKey } from '../state/cover.js';
import { attribute, h, icon, iconButton, label, setIcon, text } from './dom.js';
import { bindPopover, closePopover } from './popover.js';

/**
 * @param {HTMLElement} root
 * @param {object} actions
 * @param {{elements: HTMLElement[], render: Function}[]} [more] other parts' controls, before the menu
 */
export function createToolbar(root, actions, more = []) {
  const layouts = LAYOUTS.map((layout) =>
    iconButton(layout, {
      label: `layout.${layout}`,
      testid: `layout-${layout}`,
      class: 'segment',
      on: { click: () => actions.setLayout(layout) },
    }),
  );
  const segments = h('div', { class: 'segments', role: 'group', data: { tLabel: 'tools.layout' } }, ...layouts);
  const cycle = iconButton('grid', { testid: 'layout-next', class: 'only-narrow', on: { click: actions.nextLayout } });

  const sources = createSourcesMenu(actions);
  const sound = iconButton('sound', { testid: 'mute', on: { click: actions.toggleMute } });
  const volume = h('input', {
    type: 'range',
    class: 'range',
    min: '0',
    max: '1',
    step: '0.01',
    data: { tLabel: 'tools.volume', testid: 'volume' },
    on: { input: () => actions.setVolume(Number(volume.value)) },
  });
  const soundGroup = h('div', { class: 'sound' }, sound, h('div', { class: 'sound__slider' }, volume));
  const stats = iconButton('stats', {
    label: 'tools.stats',
    key: 'I',
    testid: 'stats-toggle',
    on: { click: actions.toggleStats },
  });
  const full = iconButton('fullscreen', { testid: 'fullscreen', on: { click: actions.fullscreen } });
  const menu = createMenu(actions);

  root.append(segments, cycle, sources.root, soundGroup, stats, full, ...more.flatMap(({ elements }) => elements), menu.root);

  return {
    render(state, t) {
      const watching = ['connecting', 'connected', 'reconnecting'].includes(state.phase) && state.sources.length > 0;
      for (const element of [sources.root, stats, full]) element.hidden = !watching;
      const choice = watching && shown(state.sources, state.hidden).filter(hasVideo).length > 1;
      for (const element of [segments, cycle]) element.hidden = !choice;
      layouts.forEach((button, index) => attribute(button, 'aria-pressed', String(LAYOUTS[index] === state.layout)));
      setIcon(cycle.firstChild, state.layout);
      label(cycle, `${t('tools.layout')}: ${t(`layout.${state.layout}`)}`, 'L');
      soundGroup.hidden = !watching || !state.sources.some(hasAudio);
      const silent = state.muted || state.volume === 0 || state.blocked === 'sound';
      setIcon(sound.firstChild, silent ? 'silent' : state.volume < 0.5 ? 'quiet' : 'sound');
      label(sound, t(silent ? 'tools.unmute' : 'tools.mute'), 'M');
      attribute(sound, 'aria-pressed', String(silent));
      const level = silent ? 0 : state.volume;
      if (Number(volume.value) !== level) volume.value = String(level);
      volume.style.setProperty('--level', String(level));
      attribute(stats, 'aria-pressed', String(state.stats));
      setIcon(full.firstChild, state.fullscreen !== null ? 'window' : 'fullscreen');
      label(full, t(state.fullscreen !== null ? 'tools.exit_fullscreen' : 'tools.fullscreen'), 'F');
      sources.render(state, t);
      for (const part of more) part.render(state, t);
      menu.render(state, t);
    },
  };
}

/** Which sources are taken. */
function createSourcesMenu(actions) {
  const button = iconButton('sources', { label: 'tools.sources', testid: 'sources' });
  const list = h('div', { class: 'menu__list' });
  const panel = h(
    'div',
    { class: 'menu menu--sources', id: 'sources-menu', role: 'group', data: { tLabel: 'sources.title', testid: 'sources-menu' } },
    h('p', { class: 'menu__heading', data: { t: 'sources.title' } }),
    list,
    h('p', { class: 'menu__note', data: { t: 'sources.note' } }),
  );
  bindPopover(button, panel);
  const rows = new Map();

  function row(source) {
    const input = h('input', {
      type: 'checkbox',
      role: 'switch',
      class: 'switch',
      data: { testid: 'source-switch', source: source.name },
      on: { change: () => actions.setHidden(source.name, !input.checked) },
    });
    const parts = { input, shape: icon(source.kind), title: h('span', { class: 'option__title' }), note: h('span', { class: 'option__note' }) };
    const element = h(
      'label',
      { class: 'option' },
      parts.shape,
      h('span', { class: 'option__text' }, parts.title, parts.note),
      input,
    );
    return { ...parts, element };
  }

  return {
    root: h('div', { class: 'anchor' }, button, panel),
    render(state, t) {
      const names = state.sources.map(({ name }) => name);
      if (names.join() !== [...rows.keys()].join()) {
        rows.clear();
        for (const source of state.sources) rows.set(source.name, row(source));
        list.replaceChildren(...[...rows.values()].map(({ element }) => element));
      }
      for (const source of state.sources) {
        const { input, shape, title, note } = rows.get(source.name);
        const hidden = state.hidden.includes(source.name);
        if (input.checked === hidden) input.checked = !hidden;
        setIcon(shape, source.kind);
        text(title, source.title);
        const words = source.state === 'failed' ? causeKey(source.cause, source.media) : `state.${source.state}`;
        text(note, t(hidden ? 'state.hidden' : words));
        attribute(note, 'data-state', hidden ? 'hidden' : source.state);
      }
    },
  };
}

/** Appearance, language, help, leaving. */
function createMenu(actions) {
  const button = iconButton('more', { label: 'tools.more', testid: 'more' });
  const choice = (group, value, press, data = {}) => {
    const input = h('input', {
      type: 'radio',
      name: group,
      value,
      class: 'pill__input',
      data: { testid: `${group}-${value}` },
      on: { change: () => press(value) },
    });
    return { input, element: h('label', { class: 'pill' }, input, h('span', { data })) };
  };
  const themes = THEMES.map((theme) => choice('theme', theme, actions.setTheme, { t: `theme.${theme}` }));
  const languages = Object.entries(LANGUAGES).map(([language, name]) => {
    const made = choice('language', language, actions.setLanguage);
    made.element.lastChild.textContent = name;
    made.element.lastChild.lang = language;
    return made;
  });
  const group = (key, choices) =>
    h(
      'fieldset',
      { class: 'menu__group' },
      h('legend', { class: 'menu__heading', data: { t: key } }),
      h('div', { class: 'pills' }, ...choices.map(({ element }) => element)),
    );
  const item = (shape, key, testid, press) =>
    h(
      'button',
      {
        type: 'button',
        class: 'menu__item',
        data: { testid },
        on: {
          click: () => {
            closePopover();
            press();
          },
        },
      },
      icon(shape),
      h('span', { data: { t: key } }),
    );
  const leave = item('stop', 'menu.leave', 'leave', actions.leave);
  const signIn = item('person', 'menu.signin', 'signin-open', actions.signInByName);
  const signOut = item('leave', 'menu.signout', 'signout', actions.signOut);
  const admin = item('shield', 'menu.admin', 'admin-open', actions.admin);
  const personName = h('span', { class: 'option__title' });
  const personRole = h('span', { class: 'option__note' });
  const person = h('p', { class: 'menu__person', data: { testid: 'person' } }, icon('person'), h('span', { class: 'option__text' }, personName, personRole));
  const software = h('p', { class: 'menu__note' });
  const panel = h(
    'div',
    { class: 'menu', id: 'more-menu', role: 'group', data: { tLabel: 'tools.more', testid: 'more-menu' } },
    person,
    group('menu.theme', themes),
    group('menu.language', languages),
    h('hr', { class: 'menu__rule' }),
    admin,
    item('check_up', 'menu.check', 'check-open', actions.check),
    item('inspect', 'menu.inspector', 'inspector-open', actions.inspect),
    item('keyboard', 'menu.shortcuts', 'help-open', actions.help),
    leave,
    signIn,
    signOut,
    software,
  );
  bindPopover(button, panel);

  return {
    root: h('div', { class: 'anchor' }, button, panel),
    render(state, t) {
      person.hidden = state.name === null;
      text(personName, state.name ?? '');
      text(personRole, firstOf(t, [`role.${state.role}`, 'role.viewer']));
      const check = (choices, value) => {
        for (const { input } of choices) if (input.checked !== (input.value === value)) input.checked = input.value === value;
      };
      check(themes, state.theme);
      check(languages, state.lang);
      leave.hidden = !['connecting', 'connected', 'reconnecting'].includes(state.phase);
      admin.hidden = state.role !== 'admin' || state.phase !== 'connected';
      signIn.hidden = !state.accounts || state.name !== null || state.phase === 'signed-out';
      signOut.hidden = state.phase === 'signed-out' || state.access === null || (state.access === 'open' && state.name === null);
      text(software, state.software);
      software.hidden = state.software === '';
    },
  };
}
