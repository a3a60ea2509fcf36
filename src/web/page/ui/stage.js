/**
 * The pictures: one tile a source, kept as long as the source exists, laid out anew whenever the
 * room, the choice or a picture's shape changes.
 */

import { bigOf, hasVideo, shown } from '../state/sources.js';
import { createTile } from './tile.js';
import { arrange } from './layout.js';

/** The shape of a picture that has not come. */
const ASPECT = 16 / 9;

/**
 * @param {{stage: HTMLElement, shelf: HTMLElement}} roots for pictures, and for sound alone
 * @param {object} actions
 */
export function createStage({ stage, shelf }, actions) {
  const tiles = new Map();
  let state = null;
  let t = null;

  const observer = new ResizeObserver(() => layOut());
  observer.observe(stage);

  function keepTiles(sources) {
    const gone = new Set(tiles.keys());
    for (const source of sources) {
      const known = tiles.get(source.name);
      const same = known !== undefined && known.media === source.media.join() && known.kind === source.kind;
      if (same) gone.delete(source.name);
    }
    for (const name of gone) {
      const { tile } = tiles.get(name);
      tile.remove();
      tiles.delete(name);
    }
    for (const source of sources) {
      if (tiles.has(source.name)) continue;
      const tile = createTile(source, actions, () => draw());
      tiles.set(source.name, { tile, media: source.media.join(), kind: source.kind });
      (hasVideo(source) ? stage : shelf).append(tile.root);
    }
  }

  function layOut() {
    if (state === null) return;
    const { width, height } = stage.getBoundingClientRect();
    const visible = shown(state.sources, state.hidden);
    const pictures = visible.filter(hasVideo);
    const names = pictures.map(({ name }) => name);
    stage.dataset.alone = String(names.length < 2);
    const places = arrange({
      mode: state.layout,
      width,
      height,
      gap: width < 600 ? 8 : 12,
      items: names.map((name) => ({ name, aspect: tiles.get(name)?.tile.player.aspect ?? ASPECT })),
      big: bigOf(names, state.big),
    });
    for (const [name, { tile }] of tiles) {
      if (tile.picture) tile.put(places.get(name) ?? null);
      else tile.root.hidden = !visible.some((source) => source.name === name);
    }
    actions.fit();
  }

  function draw() {
    if (state === null) return;
    layOut();
    const now = { ...state, alone: stage.dataset.alone === 'true' };
    for (const source of state.sources) tiles.get(source.name)?.tile.render(now, source, t);
  }

  return {
    render(next, translate) {
      state = next;
      t = translate;
      const watching = ['connecting', 'connected', 'reconnecting'].includes(state.phase);
      keepTiles(watching ? state.sources : []);
      shelf.hidden = ![...tiles.values()].some(({ tile }) => !tile.picture && !state.hidden.includes(tile.name));
      const pictures = shown(state.sources, state.hidden).some(hasVideo);
      stage.dataset.pictures = String(watching && pictures);
      draw();
    },
    /** How wide a source's picture is on the screen, in the screen's pixels; 0 where it is not there. */
    width(name) {
      const tile = tiles.get(name)?.tile;
      if (tile === undefined || !tile.picture || tile.root.hidden) return 0;
      return tile.root.clientWidth * devicePixelRatio;
    },
    tile: (name) => tiles.get(name)?.tile ?? null,
    tiles: () => [...tiles.values()].map(({ tile }) => tile),
  };
}
