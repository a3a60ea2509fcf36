/**
 * The pictures of a call: one tile a person, one a shared screen, laid out beside the sources or in
 * their place.
 */

import { arrange } from '../layout.js';
import { attribute } from '../dom.js';
import { shown, hasVideo } from '../../state/sources.js';
import { evenly } from './grid.js';
import { createCallTile } from './tile.js';

/** The shape of a person's tile. */
const CAMERA = 16 / 9;
const NOTHING = { width: 0, height: 0 };

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {(what: 'sound' | 'picture') => void} options.onBlocked
 * @param {() => void} options.onCheck
 * @param {(id: number, sizes: object) => void} options.onShowing how another's pictures are shown now
 * @param {(id: number, canvas: HTMLCanvasElement | null) => void} options.onCanvas where what the daemon
 *   passes on of somebody is drawn
 */
export function createCallTiles(root, { onBlocked, onCheck, onShowing, onCanvas }) {
  /** By participant and what it shows. */
  const tiles = new Map();
  let state = null;
  let t = null;
  /** The tile that somebody made big; null: a shared screen, if there is one. */
  let chosen = null;
  let seen = '';

  const keyOf = (id, what) => `${id} ${what}`;
  const draw = () => state !== null && layOut();
  new ResizeObserver(draw).observe(root);
  document.addEventListener('visibilitychange', draw);

  function press(key) {
    const big = tiles.get(key)?.root.dataset.role === 'big';
    chosen = big ? '' : key;
    render(state, t);
  }

  function wantedOf({ people }) {
    const cameras = people.map((person) => [keyOf(person.id, 'camera'), person, 'camera']);
    const screens = people.filter(({ screen }) => screen).map((person) => [keyOf(person.id, 'screen'), person, 'screen']);
    return [...screens, ...cameras];
  }

  function keep(wanted) {
    const keys = new Set(wanted.map(([key]) => key));
    for (const [key, tile] of tiles) {
      if (keys.has(key)) continue;
      tile.remove();
      tiles.delete(key);
      if (chosen === key) chosen = null;
    }
    for (const [key, { id, own }, what] of wanted) {
      if (tiles.has(key)) continue;
      const tile = createCallTile({ id, what, own, onShape: draw, onBlocked, onCheck, onCanvas, onPress: () => press(key) });
      tiles.set(key, tile);
    }
    // In the document in the order of the people, for the keyboard and for screen readers.
    const order = wanted.map(([key]) => tiles.get(key).root);
    if (order.some((element, at) => root.children[at] !== element)) root.replaceChildren(...order);
    for (const key of keys) tiles.get(key).resume();
  }

  /** Which is big: the one that was chosen, or a screen, of another first. */
  function bigOf(wanted) {
    if (chosen !== null && tiles.has(chosen)) return chosen;
    if (chosen === '') return null;
    const screens = wanted.filter(([, , what]) => what === 'screen');
    return (screens.find(([, { own }]) => !own) ?? screens[0])?.[0] ?? null;
  }

  function layOut() {
    if (root.hidden) {
      tellSizes(new Map());
      return;
    }
    const wanted = wantedOf(state.call);
    const { width, height } = root.getBoundingClientRect();
    const big = bigOf(wanted);
    const room = { width, height, gap: width < 600 ? 8 : 12 };
    const places =
      big === null
        ? evenly({ ...room, aspect: CAMERA, names: wanted.map(([key]) => key) })
        : arrange({ ...room, mode: 'focus', items: wanted.map(([key]) => ({ name: key, aspect: tiles.get(key).aspect })), big });
    for (const [key, place] of places) tiles.get(key).put(place);
    tellSizes(places);
  }

  /** Tells each how large it is seen here, in pixels of this screen. */
  function tellSizes(places) {
    const ratio = document.hidden ? 0 : globalThis.devicePixelRatio || 1;
    for (const { id, own } of state.call.people) {
      if (own) continue;
      const size = (what) => {
        const place = places.get(keyOf(id, what));
        return place === undefined ? NOTHING : { width: Math.round(place.width * ratio), height: Math.round(place.height * ratio) };
      };
      onShowing(id, { camera: size('camera'), screen: size('screen') });
    }
  }

  function render(next, translate) {
    state = next;
    t = translate;
    const { call } = state;
    const isIn = call.phase === 'in';
    const beside = shown(state.sources, state.hidden).some(hasVideo);
    const room = root.parentElement;
    attribute(room, 'data-call', !isIn ? null : beside ? 'beside' : 'alone');
    attribute(room, 'data-call-wide', isIn && call.people.some(({ screen, own }) => screen && !own) ? 'true' : null);
    if (root.hidden === isIn) root.hidden = !isIn;
    const wanted = isIn ? wantedOf(call) : [];
    keep(wanted);
    const look = `${isIn} ${wanted.map(([key]) => key).join()} ${chosen} ${beside}`;
    if (look !== seen) {
      seen = look;
      layOut();
    }
    for (const [key, person, what] of wanted) {
      const track = what === 'camera' ? person.tracks.camera : person.tracks.screen;
      const sound = person.own ? null : what === 'camera' ? person.tracks.microphone : person.tracks.sound;
      tiles.get(key).render(person, { track: track ?? null, sound: sound ?? null, deaf: call.deaf, speaker: call.speaker }, t);
    }
  }

  return {
    render,
    level: (id, value, speaks) => tiles.get(keyOf(id, 'camera'))?.level(value, speaks),
    /** After a click. */
    resume: () => tiles.forEach((tile) => tile.resume()),
  };
}
