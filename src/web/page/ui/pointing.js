/**
 * Pointing at pictures: tells where this page's pointer is while somebody wants that, and shows where
 * the others' are, each in its colour and with its name.
 */

import { createTeller, pictureIn, pictureOf, placeOf, Points, spotOf } from '../room/pointer.js';
import { attribute, h, text } from './dom.js';

/** A key or a button that is held for less was pressed. */
const HELD_MS = 300;

/**
 * @param {object} options
 * @param {{tiles: () => object[], tile: (name: string) => object | null}} options.stage
 * @param {object} options.room
 * @param {object} options.timers
 * @param {(on: boolean) => void} options.onChange whether this page points
 */
export function createPointing({ stage, room, timers, onChange }) {
  const points = new Points();
  const dots = new Map();
  const teller = createTeller({
    timers,
    tell(place) {
      room.point(place);
      // One sees what the others see.
      if (room.me !== null) take({ from: room.me.id, source: place?.source ?? null, x: place?.x, y: place?.y });
    },
  });
  let on = false;
  /** Where the pointer was last, on the screen. */
  let last = null;
  let frame = null;
  /** What holds it: since when, and whether something was pointed at. */
  let held = null;

  // Where things are

  /** Where the picture of a tile lies, and the tile itself, on the screen. */
  function areaOf({ root, player }) {
    const box = root.getBoundingClientRect();
    const { element, ...size } = pictureOf(player);
    const area = pictureIn(box, size, getComputedStyle(element).objectFit);
    return { box, area };
  }

  function placeAt({ x, y }) {
    const root = document.elementFromPoint(x, y)?.closest('.tile') ?? null;
    const tile = stage.tiles().find((each) => each.picture && each.root === root);
    if (tile === undefined) return null;
    const { box, area } = areaOf(tile);
    const place = placeOf({ x: x - box.left, y: y - box.top }, area);
    return place === null ? null : { source: tile.name, ...place };
  }

  // What the others point at

  function take(told) {
    points.take(told, timers.now());
    frame ??= requestAnimationFrame(draw);
  }

  function dot(from) {
    const name = h('bdi', { class: 'point__name' });
    const root = h('div', { class: 'point', 'aria-hidden': 'true', data: { testid: 'point', participant: String(from) } }, h('span', { class: 'point__dot' }), name);
    return { root, name };
  }

  function draw() {
    frame = null;
    const seen = points.seen(timers.now());
    for (const [from, { root }] of dots) {
      if (seen.some((point) => point.from === from)) continue;
      root.remove();
      dots.delete(from);
    }
    for (const point of seen) {
      const tile = stage.tile(point.source);
      const person = room.participant(point.from);
      if (!dots.has(point.from)) dots.set(point.from, dot(point.from));
      const { root, name } = dots.get(point.from);
      const { box, area } = tile?.picture && !tile.root.hidden ? areaOf(tile) : { area: null };
      root.hidden = area === null || person === null;
      if (root.hidden) continue;
      if (root.parentElement !== tile.root) tile.root.append(root);
      const { x, y } = spotOf(point, area);
      root.style.transform = `translate(${x}px, ${y}px)`;
      root.style.opacity = String(point.strength);
      text(name, person.name);
      attribute(root, 'data-colour', person.colour);
      attribute(root, 'data-own', String(person.id === room.me?.id));
      // The name stays in the picture.
      attribute(root, 'data-side', x > box.width - 120 ? 'left' : 'right');
    }
    if (seen.length > 0) frame = requestAnimationFrame(draw);
  }

  room.on('pointed', take);
  room.on('left', ({ id }) => points.forget(id));
  room.on('entered', ({ resumed }) => resumed || points.clear());

  // Where this page points

  function follow() {
    if (on && last !== null) teller.at(placeAt(last));
  }

  function set(next) {
    if (on === next) return;
    on = next;
    if (!on) {
      teller.at(null);
      held = null;
    }
    attribute(document.documentElement, 'data-pointing', on ? 'true' : null);
    onChange(on);
  }

  const canPoint = () => room.inside && room.mayTalk && stage.tiles().some((tile) => tile.picture && !tile.root.hidden);

  addEventListener(
    'pointermove',
    ({ clientX, clientY }) => {
      last = { x: clientX, y: clientY };
      if (!on) return;
      if (held !== null) held.used = true;
      follow();
    },
    { passive: true, capture: true },
  );
  addEventListener('pointerdown', ({ clientX, clientY, pointerType }) => {
    last = { x: clientX, y: clientY };
    if (pointerType !== 'mouse') follow();
  }, true);
  // A finger that is lifted is nowhere.
  for (const type of ['pointerup', 'pointercancel']) {
    addEventListener(type, ({ pointerType }) => on && pointerType !== 'mouse' && teller.at(null), true);
  }
  document.documentElement.addEventListener('pointerleave', () => {
    last = null;
    if (on) teller.at(null);
  });
  // While one points, a press is not for the picture below.
  for (const type of ['click', 'dblclick']) {
    addEventListener(
      type,
      (event) => {
        if (!on || !event.target.closest?.('.tile__surface')) return;
        event.preventDefault();
        event.stopPropagation();
      },
      true,
    );
  }
  // A key that is let go elsewhere is not heard of.
  addEventListener('blur', () => (held === null ? teller.at(null) : set(false)));

  return {
    get on() {
      return on;
    },
    canPoint,
    toggle: () => set(!on && canPoint()),
    stop: () => set(false),

    /** A button that is held, or pressed: then it stays until it is pressed again. */
    bindButton(button) {
      let pressed = null;
      button.addEventListener('pointerdown', ({ pointerType, button: which }) => {
        if (pointerType !== 'mouse' || which !== 0 || !canPoint()) return;
        pressed = { atMs: timers.now(), wasOn: on };
        set(true);
        addEventListener('pointerup', release, { once: true, capture: true });
      });
      function release({ target }) {
        // Let go elsewhere, it was not meant to stay.
        const wasHeld = timers.now() - pressed.atMs >= HELD_MS || !button.contains(target);
        if (wasHeld || pressed.wasOn) set(false);
        // A click follows at once, or, where it was let go elsewhere, none.
        timers.setTimeout(() => (pressed = null), 0);
      }
      button.addEventListener('click', () => {
        // The mouse has been heard already.
        if (pressed === null) set(!on && canPoint());
      });
    },

    /**
     * A key goes down: it points as long as it is held.
     * @param {KeyboardEvent} event
     * @param {() => void} otherwise what the key does where it is pressed, not held
     * @returns {boolean} whether it is for pointing at all
     */
    hold(event, otherwise) {
      if (!canPoint()) return false;
      if (event.repeat || held !== null) return true;
      const mine = { atMs: timers.now(), used: false };
      held = mine;
      set(true);
      const { code } = event;
      const timer = timers.setTimeout(() => {
        mine.used = true;
        follow();
      }, HELD_MS);
      const up = ({ code: released }) => {
        if (released !== code) return;
        removeEventListener('keyup', up, true);
        timers.clearTimeout(timer);
        const wasPressed = !mine.used && on;
        set(false);
        held = null;
        if (wasPressed) otherwise();
      };
      addEventListener('keyup', up, true);
      return true;
    },

    /** Who may not point any more does not. */
    render() {
      if (on && !canPoint()) set(false);
    },
  };
}
