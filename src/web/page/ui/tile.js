/**
 * One source on the stage: its picture, what lies over it, its name and its buttons.
 */

import { coverOf } from '../state/cover.js';
import { hasAudio, hasVideo } from '../state/sources.js';
import { attribute, h, icon, iconButton, label, setIcon, text } from './dom.js';
import { createPlayer } from './player.js';
import { createStatsPanel } from './statspanel.js';

/**
 * @param {import('../state/sources.js').Source} source
 * @param {object} actions of the page
 * @param {() => void} onChange the picture has come or changed its size
 */
export function createTile(source, actions, onChange) {
  const { name } = source;
  const player = createPlayer(source, { change: onChange, blocked: actions.blocked });
  const picture = hasVideo(source);

  const surface = picture
    ? h('button', {
        type: 'button',
        class: 'tile__surface',
        data: { testid: 'tile-surface' },
        on: { click: () => actions.makeBig(name), dblclick: () => actions.tileFullscreen(name) },
      })
    : null;
  const coverIcon = icon('warning');
  const coverTitle = h('p', { class: 'cover__title' });
  const coverBody = h('p', { class: 'cover__body' });
  const coverDetail = h('p', { class: 'cover__detail' });
  const cover = h(
    'div',
    { class: 'cover', hidden: true, data: { testid: 'cover' } },
    h('span', { class: 'cover__mark', 'aria-hidden': 'true' }, h('span', { class: 'spinner' }), coverIcon),
    coverTitle,
    coverBody,
    coverDetail,
  );

  const button = (shape, testid, press) =>
    iconButton(shape, { testid, class: 'button--glass', on: { click: press } });
  const mute = hasAudio(source) ? button('sound', 'tile-mute', () => actions.toggleSourceMute(name)) : null;
  const pip = picture && actions.canPip(player.video) ? button('pip', 'tile-pip', () => actions.pip(name)) : null;
  const full = picture ? button('fullscreen', 'tile-fullscreen', () => actions.tileFullscreen(name)) : null;
  const size = picture ? button('enlarge', 'tile-enlarge', () => actions.toggleBig(name)) : null;
  const hide = button('eye-off', 'tile-hide', () => actions.setHidden(name, true));

  const kind = icon(source.kind);
  const title = h('span', { class: 'tile__title' });
  const chip = h('span', { class: 'chip', hidden: true });
  const meter = hasAudio(source)
    ? h('span', { class: 'meter', 'aria-hidden': 'true' }, h('span', { class: 'meter__level' }))
    : null;
  const bar = h(
    'div',
    { class: 'tile__bar' },
    h('div', { class: 'tile__name' }, kind, title, meter, chip),
    h('div', { class: 'tile__buttons' }, mute, size, pip, full, hide),
  );
  const stats = createStatsPanel();
  const root = h(
    'article',
    {
      class: picture ? 'tile' : 'tile tile--sound',
      data: { testid: 'tile', source: name, media: source.media.join(' ') },
    },
    player.video,
    player.still,
    player.audio,
    surface,
    cover,
    bar,
    stats.root,
  );

  function renderCover(state, now, t) {
    const playing = player.playing || player.held || !picture;
    const what = coverOf(now, { phase: state.phase, offered: state.offered, playing });
    cover.hidden = what === null;
    if (what === null) return;
    attribute(cover, 'data-look', what.look);
    setIcon(coverIcon, what.look === 'failed' ? 'warning' : source.kind);
    text(coverTitle, t(what.title));
    text(coverBody, what.body === null ? '' : t(what.body));
    text(coverDetail, what.detail);
  }

  return {
    name,
    root,
    player,
    stats,
    picture,
    /** Moves the level meter; 0 to 1. */
    level(value) {
      meter?.firstChild.style.setProperty('transform', `scaleX(${Math.min(1, Math.sqrt(value) * 1.2)})`);
    },

    /** @param {import('./layout.js').Place | null} place null: not on the stage */
    put(place) {
      root.hidden = place === null;
      if (place === null) return;
      const { style } = root;
      style.left = `${place.x}px`;
      style.top = `${place.y}px`;
      style.width = `${place.width}px`;
      style.height = `${place.height}px`;
      attribute(root, 'data-role', place.role);
      attribute(root, 'data-size', place.width < 240 ? 'small' : place.width < 460 ? 'medium' : 'large');
    },

    /** @param {object} state of the page @param {import('../state/sources.js').Source} now */
    render(state, now, t) {
      attribute(root, 'data-state', now.state);
      attribute(root, 'data-playing', player.playing);
      attribute(root, 'data-held', state.phase !== 'connected');
      attribute(root, 'aria-label', now.title);
      text(title, now.title);
      renderCover(state, now, t);

      const words = { title: now.title };
      const role = root.dataset.role;
      if (surface !== null) {
        const acts = role !== 'big';
        attribute(surface, 'aria-label', t(role === 'small' ? 'tile.swap' : acts ? 'tile.focus' : 'tile.picture', words));
        attribute(surface, 'aria-pressed', String(role === 'big'));
        attribute(player.video, 'aria-label', now.title);
        const restores = role === 'big' && state.layout !== 'grid';
        setIcon(size.firstChild, restores ? 'shrink' : 'enlarge');
        label(size, restores ? t('tile.restore') : t('tile.focus', words));
        label(full, t('tile.fullscreen', words));
        if (pip !== null) label(pip, t('tile.pip', words));
      }
      label(hide, t('tile.hide', words));
      if (mute !== null) {
        const silent = state.mutedSources.includes(name);
        setIcon(mute.firstChild, silent ? 'silent' : 'sound');
        label(mute, t(silent ? 'tile.unmute' : 'tile.mute', words));
        attribute(mute, 'aria-pressed', String(silent));
        attribute(root, 'data-silent', silent || state.muted || state.blocked === 'sound');
        player.sound({ muted: silent || state.muted || state.hidden.includes(name), volume: state.volume });
      }
      renderChip(state, now, t);
    },
  };

  function renderChip(state, now, t) {
    const held = state.phase !== 'connected';
    const words = held ? `status.${state.phase}` : `state.${now.state}`;
    chip.hidden = held ? !player.held && picture : now.state === 'live' || (picture && !cover.hidden);
    attribute(chip, 'data-look', held ? 'busy' : now.state);
    text(chip, t(words));
  }
}
