/**
 * One source on the stage: its picture, what lies over it, its name and its buttons.
 */

import { causeKey, coverOf } from '../state/cover.js';
import { isReduced, renditionOf, slowKey } from '../state/renditions.js';
import { hasAudio, hasVideo } from '../state/sources.js';
import { attribute, h, icon, iconButton, label, place, setIcon, text } from './dom.js';
import { createPlayer } from './player.js';
import { createQuality } from './quality.js';
import { fullscreenElement, tapIsSpent } from './screen.js';
import { createStatsPanel } from './statspanel.js';

/** Takes a control that only repeats another out of the keyboard's way. */
function spare(control, is) {
  control.tabIndex = is ? -1 : 0;
  attribute(control, 'aria-hidden', is ? 'true' : null);
}

/**
 * @param {import('../state/sources.js').Source} source
 * @param {object} actions of the page
 * @param {() => void} onChange the picture has come or changed its size
 */
export function createTile(source, actions, onChange) {
  const { name } = source;
  const player = createPlayer(source, { change: onChange, blocked: actions.blocked, voice: actions.voice });
  const picture = hasVideo(source);
  const root = h('article', {
    class: picture ? 'tile' : 'tile tile--sound',
    data: { testid: 'tile', source: name, media: source.media.join(' ') },
  });

  const surface = picture
    ? h('button', {
        type: 'button',
        class: 'tile__surface',
        data: { testid: 'tile-surface' },
        on: { click: () => tapIsSpent() || actions.makeBig(name), dblclick: () => actions.tileFullscreen(name) },
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
  const quality = picture ? createQuality(name, root, actions) : null;
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
    h('div', { class: 'tile__buttons' }, mute, quality?.button ?? null, size, pip, full, hide),
  );
  const stats = createStatsPanel();
  const reduced = h(
    'p',
    { class: 'tile__reduced', hidden: true, data: { testid: 'reduced' } },
    icon('reduced'),
    h('span', { class: 'tile__words', data: { t: 'quality.reduced' } }),
  );
  const slowWords = h('span', { class: 'tile__words' });
  const slow = h('p', { class: 'tile__slow', role: 'status', hidden: true, data: { testid: 'too-slow' } }, icon('warning'), slowWords);
  const notes = picture ? h('div', { class: 'tile__notes' }, reduced, slow) : null;
  const layers = [player.video, player.still, player.canvas, player.audio, surface, cover, bar, stats.root, notes];
  root.append(...layers.filter((layer) => layer !== null));

  function renderCover(state, now, t) {
    const playing = player.playing || player.held || !picture;
    const what = coverOf(now, { phase: state.phase, offered: state.offered, playing });
    cover.hidden = what === null;
    if (what === null) return;
    attribute(cover, 'data-look', what.look);
    setIcon(coverIcon, { failed: 'warning', paused: 'pause' }[what.look] ?? source.kind);
    text(coverTitle, t(what.title));
    const times = what.times > 1 ? t('cover.times', { count: what.times }) : '';
    text(coverBody, [what.body === null ? '' : t(what.body), times].filter((part) => part !== '').join(' '));
    text(coverDetail, what.detail);
  }

  return {
    name,
    root,
    player,
    stats,
    picture,
    /** The source is gone: so is all that belongs to it. */
    remove() {
      player.clear();
      quality?.remove();
      root.remove();
    },
    /** Moves the level meter; 0 to 1. */
    level(value) {
      meter?.firstChild.style.setProperty('transform', `scaleX(${Math.min(1, Math.sqrt(value) * 1.2)})`);
    },

    /** @param {import('./layout.js').Place | null} where null: not on the stage */
    put(where) {
      root.hidden = where === null;
      if (where === null) return;
      place(root, where);
      attribute(root, 'data-low', where.height < 340);
    },

    /** @param {object} state of the page, and whether it is `alone` @param {import('../state/sources.js').Source} now */
    render(state, now, t) {
      attribute(root, 'data-state', now.state);
      attribute(root, 'data-playing', player.playing);
      attribute(root, 'data-by', player.byCanvas ? 'pictures' : 'video');
      attribute(root, 'data-held', state.phase !== 'connected');
      attribute(root, 'aria-label', now.title);
      text(title, now.title);
      renderCover(state, now, t);

      const words = { title: now.title };
      const role = root.dataset.role;
      if (surface !== null) {
        attribute(surface, 'aria-label', t(role === 'small' ? 'tile.swap' : 'tile.focus', words));
        // One control each for the keyboard and for screen readers: the picture itself makes it
        // big, the button beside makes it small again.
        spare(surface, role === 'big' || state.alone);
        spare(size, role !== 'big' || state.alone);
        attribute(player.video, 'aria-label', now.title);
        const restores = role === 'big' && state.layout !== 'grid';
        setIcon(size.firstChild, restores ? 'shrink' : 'enlarge');
        label(size, restores ? t('tile.restore') : t('tile.focus', words));
        const whole = fullscreenElement() === root;
        setIcon(full.firstChild, whole ? 'window' : 'fullscreen');
        label(full, whole ? t('tools.exit_fullscreen') : t('tile.fullscreen', words));
        if (pip !== null) {
          label(pip, t('tile.pip', words));
          // A canvas has none.
          pip.hidden = player.byCanvas;
        }
        if (player.byCanvas) attribute(player.canvas, 'aria-label', now.title);
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
      renderQuality(state, now, t);
    },
  };

  function renderQuality(state, now, t) {
    // What comes by the WebSocket is fitted to the picture's size, not chosen.
    const rendition = state.pictures === null ? renditionOf(state.renditions, name) : null;
    quality?.render(state, { title: now.title, rendition }, t);
    const seen = picture && state.phase === 'connected' && cover.hidden;
    const sentence = seen ? slowKey(rendition) : null;
    slow.hidden = sentence === null;
    const words = sentence === null ? '' : t(sentence);
    text(slowWords, words);
    // Where there is room for the sign alone, the pointer asks for the words.
    attribute(slow, 'title', words || null);
    reduced.hidden = !seen || sentence !== null || !isReduced(rendition);
    attribute(reduced, 'title', t('quality.reduced'));
  }

  function renderChip(state, now, t) {
    const held = state.phase !== 'connected';
    const failure = now.state === 'failed' ? causeKey(now.cause, now.media) : `state.${now.state}`;
    const words = held ? `status.${state.phase}` : failure;
    chip.hidden = held ? !player.held && picture : now.state === 'live' || (picture && !cover.hidden);
    attribute(chip, 'data-look', held ? 'busy' : now.state);
    text(chip, t(words));
    attribute(chip, 'title', now.detail || null);
  }
}
