/**
 * The room's buttons among the controls: pointing, and the room itself with what is unread.
 */

import { hasVideo, shown } from '../state/sources.js';
import { attribute, h, iconButton, label, text } from './dom.js';
import { isHere, isOpen } from './room.js';

/** More unread than this is not counted. */
const MOST_COUNTED = 99;

/**
 * @param {object} acts what a person can do in the room
 * @param {object} pointing
 */
export function createRoomTools(acts, pointing) {
  const point = iconButton('point', { testid: 'point-toggle' });
  pointing.bindButton(point);
  const badge = h('span', { class: 'badge', hidden: true, 'aria-hidden': 'true', data: { testid: 'unread' } });
  const open = iconButton('chat', { testid: 'room-toggle', on: { click: () => acts.toggle() } });
  open.append(badge);
  open.setAttribute('aria-controls', 'panel');
  return {
    elements: [point, open],
    render(state, t) {
      open.hidden = !isHere(state);
      const isShown = isOpen(state);
      attribute(open, 'aria-expanded', String(isShown));
      const words = t(isShown ? 'room.hide' : 'room.show');
      label(open, state.unread > 0 ? t('room.unread', { words, count: state.unread }) : words, 'C');
      badge.hidden = state.unread === 0;
      text(badge, state.unread > MOST_COUNTED ? `${MOST_COUNTED}+` : String(state.unread));
      point.hidden = !(state.room.inside && state.room.mayTalk && shown(state.sources, state.hidden).some(hasVideo));
      attribute(point, 'aria-pressed', String(state.pointing));
      label(point, t(state.pointing ? 'room.point.stop' : 'room.point'), 'P');
    },
  };
}
