/**
 * A meeting without pictures: the people themselves, large, in place of the stage.
 */

import { ordered } from '../room/people.js';
import { createAvatar } from './avatar.js';
import { attribute, h, icon, text } from './dom.js';
import { arrange } from './layout.js';
import { createOut, isMeeting } from './room.js';

/** A face's width by its height, where there is width and where there is not. */
const ASPECTS = { wide: 4 / 3, narrow: 1 };
/** A face is not made larger than this, however few there are. */
const LARGEST = 480;

/**
 * @param {HTMLElement} root
 * @param {object} acts what a person can do in the room
 */
export function createFaces(root, acts) {
  const faces = new Map();
  const list = h('ul', { class: 'faces__list', data: { tLabel: 'room.people' } });
  const out = createOut(acts);
  root.append(list, out.root);
  new ResizeObserver(() => place()).observe(root);

  function face() {
    const avatar = createAvatar('avatar--large');
    const name = h('bdi', { class: 'face__name' });
    const marks = ['hand', 'screen', 'camera', 'audio'].map((shape) => icon(shape));
    const bar = h('p', { class: 'face__bar' }, name, ...marks);
    return { avatar, name, marks, root: h('li', { class: 'face', data: { testid: 'face' } }, avatar.root, bar) };
  }

  function place() {
    const { width, height } = root.getBoundingClientRect();
    if (width === 0 || faces.size === 0) return;
    const gap = width < 600 ? 8 : 12;
    const items = [...faces.keys()].map((id) => ({ name: id, aspect: width < 600 ? ASPECTS.narrow : ASPECTS.wide }));
    const within = (scale) => {
      const box = { width: width * scale, height: height * scale };
      const places = arrange({ mode: 'grid', ...box, gap, items, big: null });
      return { box, places, widest: Math.max(...[...places.values()].map((at) => at.width)) };
    };
    // So few stand together in the middle, rather than blown up.
    const whole = within(1);
    const { box, places } = whole.widest > LARGEST ? within(LARGEST / whole.widest) : whole;
    for (const [id, { root: element }] of faces) {
      const at = places.get(id);
      if (at === undefined) continue;
      element.style.left = `${at.x + (width - box.width) / 2}px`;
      element.style.top = `${at.y + (height - box.height) / 2}px`;
      element.style.width = `${at.width}px`;
      element.style.height = `${at.height}px`;
      element.style.setProperty('--size', `${Math.min(at.width, at.height) * 0.4}px`);
    }
  }

  return {
    render(state, t) {
      root.hidden = !isMeeting(state);
      if (root.hidden) return;
      const { people, me } = state.room;
      out.render(state, t);
      for (const [id, { root: element }] of faces) {
        if (people.some((each) => each.id === id)) continue;
        element.remove();
        faces.delete(id);
      }
      for (const person of ordered(people, me)) {
        let made = faces.get(person.id);
        if (made === undefined) {
          made = face();
          faces.set(person.id, made);
          list.append(made.root);
        }
        made.avatar.render(person);
        text(made.name, person.id === me?.id ? t('room.you', { name: person.name }) : person.name);
        attribute(made.root, 'data-colour', person.colour);
        attribute(made.root, 'data-participant', person.id);
        attribute(made.root, 'data-away', String(person.away));
        [person.hand, person.screen, person.camera, person.microphone].forEach((does, index) => attribute(made.marks[index], 'data-on', String(does)));
      }
      place();
    },
  };
}
