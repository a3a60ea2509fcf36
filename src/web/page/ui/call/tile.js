/**
 * One picture of a call: a person, or the screen that a person shares.
 */

import { createAvatar } from '../avatar.js';
import { attribute, h, icon, place, setIcon, text } from '../dom.js';

/** What lies over a picture that is not there, by how the connection is. */
const COVERS = {
  idle: { key: 'call.connecting', busy: true },
  connecting: { key: 'call.connecting', busy: true },
  interrupted: { key: 'call.interrupted', busy: true },
  unreachable: { key: 'call.unreachable', busy: false },
  relayed: { key: 'call.relayed', busy: false },
  away: { key: 'call.away', busy: false },
};
const NO_COVER = { key: '', busy: false };

/**
 * @param {object} options
 * @param {number} options.id of the participant
 * @param {'camera' | 'screen'} options.what
 * @param {boolean} options.own this page's own
 * @param {() => void} options.onShape the picture has another shape
 * @param {(what: 'sound' | 'picture') => void} options.onBlocked the browser wants a click first
 * @param {() => void} options.onPress
 * @param {() => void} options.onCheck the connection test is asked for
 * @param {(id: number, canvas: HTMLCanvasElement | null) => void} options.onCanvas
 */
export function createCallTile({ id, what, own, onShape, onBlocked, onPress, onCheck, onCanvas }) {
  const video = h('video', { class: 'player__video', tabIndex: -1 });
  video.muted = true;
  video.defaultMuted = true;
  video.autoplay = true;
  video.playsInline = true;
  video.disableRemotePlayback = true;
  video.addEventListener('resize', onShape);
  const audio = own ? null : h('audio', {});
  /** What the daemon passes on where no connection stands. */
  const canvas = h('canvas', { class: 'player__video', hidden: true, data: { testid: 'call-relayed' } });
  let relayed = false;

  const face = createAvatar('call-tile__face');
  const spinner = h('span', { class: 'spinner', 'aria-hidden': 'true' });
  const words = h('p', { class: 'call-tile__words' });
  const check = h('button', { type: 'button', class: 'button button--small', data: { t: 'check.offer', testid: 'call-check' }, on: { click: onCheck } });
  const cover = h('div', { class: 'call-tile__cover', data: { testid: 'call-cover' } }, face.root, h('div', { class: 'call-tile__state', role: 'status' }, spinner, words), check);
  const surface = h('button', { type: 'button', class: 'tile__surface', data: { testid: 'call-surface' }, on: { click: onPress } });
  const silent = icon('microphone_off');
  const deaf = icon('headphones_off');
  const name = h('span', { class: 'tile__title' });
  const kind = icon('screen');
  const bar = h('div', { class: 'tile__bar' }, h('div', { class: 'tile__name' }, kind, silent, deaf, name));
  const root = h(
    'article',
    { class: 'tile call-tile', data: { testid: 'call-tile', participant: String(id), what, own: String(own) } },
    video,
    canvas,
    cover,
    surface,
    bar,
    audio,
  );

  async function play(element, blocked) {
    try {
      await element.play();
    } catch (error) {
      if (error.name === 'NotAllowedError') onBlocked(blocked);
    }
  }

  function put(element, track, blocked) {
    if (element === null) return;
    const [has = null] = element.srcObject?.getTracks() ?? [];
    if (has === track) return;
    element.srcObject = track === null ? null : new MediaStream([track]);
    if (track !== null) void play(element, blocked);
  }

  /** Whether what the daemon passes on is shown in the place of the track. */
  function relay(is) {
    if (is === relayed) return;
    relayed = is;
    if (!is) canvas.hidden = true;
    onCanvas(id, is ? canvas : null);
  }

  return {
    id,
    what,
    root,
    video,
    audio,

    /** Width by height of what is shown. */
    get aspect() {
      const known = what === 'screen' && video.videoWidth > 0 && video.videoHeight > 0;
      return known ? video.videoWidth / video.videoHeight : 16 / 9;
    },

    /** @param {import('../layout.js').Place} where */
    put(where) {
      place(root, where);
      attribute(root, 'data-tiny', where.height < 110);
    },

    /** How loud, 0 to 1, and whether that is speech. */
    level(value, speaks) {
      attribute(root, 'data-speaking', String(speaks));
      root.dataset.level = value.toFixed(3);
    },

    /**
     * @param {object} person of the call's snapshot
     * @param {{track: MediaStreamTrack | null, sound: MediaStreamTrack | null, deaf: boolean, speaker: string}} media
     */
    render(person, { track, sound, deaf: silence, speaker }, t) {
      const { state, away, call } = person;
      const cut = !own && (away || COVERS[state] !== undefined);
      if (!own && what === 'camera') relay(person.relayed && person.camera && !away);
      const shows = (what === 'camera' ? person.camera : person.screen) && track !== null;
      put(video, shows ? track : null, 'picture');
      put(audio, sound, 'sound');
      if (audio !== null && audio.muted !== silence) audio.muted = silence;
      if (audio !== null && speaker !== audio.dataset.speaker) {
        audio.dataset.speaker = speaker;
        audio.setSinkId?.(speaker).catch((error) => console.debug('speaker passed over:', error.message));
      }
      attribute(root, 'data-state', own ? 'connected' : state);
      attribute(root, 'data-away', String(away));
      attribute(root, 'data-camera', String(shows || relayed));
      attribute(root, 'data-muted', String(!person.microphone));
      attribute(root, 'data-call', String(call));
      attribute(root, 'data-colour', String(person.colour));
      const title = own ? t('call.you', { name: person.name }) : person.name;
      const named = what === 'screen' ? t('call.screen_of', { name: title }) : title;
      attribute(root, 'aria-label', named);
      text(name, named);
      kind.style.display = what === 'screen' ? '' : 'none';
      silent.style.display = what === 'camera' && !person.microphone ? '' : 'none';
      deaf.style.display = what === 'camera' && person.deaf ? '' : 'none';
      cover.hidden = shows && !cut;
      attribute(cover, 'data-over', String(shows || relayed));
      attribute(root, 'data-relayed', String(relayed));
      face.render(person);
      const { key, busy } = away ? COVERS.away : relayed ? COVERS.relayed : (cut && COVERS[state]) || NO_COVER;
      text(words, key === '' ? '' : t(key, { name: person.name }));
      spinner.hidden = !busy;
      check.hidden = state !== 'unreachable' || away;
      const big = root.dataset.role === 'big';
      attribute(surface, 'aria-label', t(big ? 'call.shrink' : 'call.enlarge', { name: named }));
      attribute(surface, 'aria-pressed', String(big));
    },

    /** After a click: plays what was blocked. */
    resume() {
      if (video.srcObject !== null && video.paused) void play(video, 'picture');
      if (audio?.srcObject && audio.paused) void play(audio, 'sound');
    },

    remove() {
      relay(false);
      video.srcObject = null;
      if (audio !== null) audio.srcObject = null;
      root.remove();
    },
  };
}
