/**
 * The controls of a call, while one is in it.
 */

import { attribute, h, icon, iconButton, label, setIcon, text } from '../dom.js';

/**
 * The way into a call, among the page's controls.
 * @param {() => void} press
 */
export function createCallButton(press) {
  const words = h('span');
  const button = h('button', { type: 'button', class: 'button button--small button--call', data: { testid: 'call-open' }, on: { click: press } }, icon('phone'), words);
  return {
    elements: [button],
    render({ call }, t) {
      const count = call.inCall.length;
      button.hidden = !call.inside || call.phase !== 'out';
      text(words, count === 0 ? t('call.join') : t('call.join_count', { count }));
      attribute(button, 'aria-label', words.textContent);
      attribute(button, 'data-some', String(count > 0));
    },
  };
}

/**
 * @param {HTMLElement} root
 * @param {object} actions of the call: see part.js
 */
export function createCallBar(root, actions) {
  const button = (shape, testid, press, more = {}) => iconButton(shape, { testid, on: { click: press }, ...more });
  const microphone = button('audio', 'call-microphone', actions.toggleMicrophone);
  const camera = button('camera', 'call-camera', actions.toggleCamera);
  const share = button('share', 'call-share', actions.toggleScreen);
  const deafen = button('headphones', 'call-deafen', actions.toggleDeaf);
  const settings = button('settings', 'call-settings', actions.openSettings, { label: 'call.settings' });
  const leave = button('hang_up', 'call-leave', actions.leave, { label: 'call.leave', class: 'button--leave' });
  const words = h('p', { class: 'callbar__words', role: 'status', data: { testid: 'call-words' } });
  // Where one points with a finger there is mostly no space bar.
  const keyboard = matchMedia('(pointer: fine)');
  root.setAttribute('role', 'toolbar');
  root.dataset.tLabel = 'call.controls';
  root.append(words, h('div', { class: 'callbar__buttons' }, microphone, camera, share, deafen, settings, leave));

  /**
   * A switch whose icon says how it is, and whose name what a press does. It is not told as pressed: "Mute,
   * pressed" would be the opposite of what is.
   */
  function toggle(control, isOn, [on, off], words, key) {
    setIcon(control.firstChild, isOn ? on : off);
    label(control, words, key);
    attribute(control, 'data-on', String(isOn));
  }

  return {
    render(state, t) {
      const { call } = state;
      root.hidden = call.phase !== 'in';
      if (root.hidden) return;
      const { live, muted, camera: films, screen, deaf, talking, hasMicrophone } = call;
      toggle(microphone, live, ['audio', 'microphone_off'], t(live && !talking ? 'call.mute' : hasMicrophone ? 'call.unmute' : 'call.microphone_on'));
      toggle(camera, films, ['camera', 'camera_off'], t(films ? 'call.camera_off' : 'call.camera_on'));
      toggle(share, screen, ['share_off', 'share'], t(screen ? 'call.share_stop' : 'call.share'));
      toggle(deafen, !deaf, ['headphones', 'headphones_off'], t(deaf ? 'call.undeafen' : 'call.deafen'));
      share.hidden = !call.canShare;
      const alone = call.people.length < 2;
      const hold = keyboard.matches ? 'call.hold' : 'call.muted';
      const say = talking ? 'call.talking' : muted && hasMicrophone ? hold : alone ? 'call.alone' : null;
      text(words, say === null ? '' : t(say));
      attribute(words, 'data-talking', String(talking));
    },
  };
}
