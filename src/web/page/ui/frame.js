/**
 * What is around the views: the document's own attributes, heading, status and sound button.
 */

import { shown } from '../state/sources.js';
import { attribute, h, icon, text } from './dom.js';

const byId = (id) => document.getElementById(id);

/**
 * @param {HTMLElement} root of the document
 * @param {object} actions of the page
 */
export function createFrame(root, actions) {
  const unblock = byId('unblock');
  const words = h('span');
  unblock.append(icon('silent'), words);
  unblock.addEventListener('click', actions.unblock);
  let theme = null;
  const light = matchMedia('(prefers-color-scheme: light)');
  light.addEventListener('change', () => theme === 'system' && dress('system'));
  const dress = (as) => {
    root.dataset.theme = as === 'system' ? (light.matches ? 'light' : 'dark') : as;
    const colour = getComputedStyle(root).getPropertyValue('--canvas').trim();
    document.querySelector('meta[name="theme-color"]').content = colour;
  };
  return {
    render(state, t) {
      if (state.theme !== theme) {
        theme = state.theme;
        dress(theme);
      }
      attribute(root, 'data-connection', state.phase);
      attribute(root, 'data-inspecting', String(state.inspecting));
      attribute(root, 'data-media', state.pictures === null ? 'webrtc' : 'pictures');
      attribute(root, 'data-fullscreen', String(state.fullscreen === root));
      attribute(root, 'data-watching', String(shown(state.sources, state.hidden).length > 0 || state.room.inside));
      const title = (state.room.name !== 'main' && state.room.title) || state.title || 'vitrina';
      text(byId('title'), title);
      const status = t(state.phase === 'connected' && state.pictures !== null ? 'status.pictures' : `status.${state.phase}`);
      text(byId('status-words'), status);
      const unread = state.unread > 0 ? `(${state.unread}) ` : '';
      document.title = unread + (state.phase === 'connected' ? title : `${status} – ${title}`);
      unblock.hidden = state.blocked === null || state.phase !== 'connected' || (state.muted && state.call.phase !== 'in');
      text(words, t(state.blocked === 'picture' ? 'picture.blocked' : 'sound.blocked'));
    },
  };
}
