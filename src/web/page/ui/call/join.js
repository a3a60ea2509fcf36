/**
 * Before a call, and for other devices during it: a look in the mirror, a meter, the devices.
 */

import { onMeter } from '../../call/levels.js';
import { firstOf } from '../../i18n/i18n.js';
import { fillDialog } from '../dialog.js';
import { attribute, h, icon, iconButton, label, setIcon, text } from '../dom.js';

const METER_MS = 80;
const KINDS = ['camera', 'microphone', 'speaker'];

/**
 * @param {HTMLDialogElement} dialog
 * @param {object} options
 * @param {object} options.devices of call/devices.js
 * @param {object} options.meter of call/levels.js
 * @param {boolean} options.hasSpeakers whether the browser lets a speaker be chosen
 * @param {() => void} options.onJoin
 * @param {(kind: string, id: string) => void} options.onChoose
 * @param {(kind: 'camera' | 'microphone', is: boolean) => void} options.onSwitch
 * @param {() => void} options.onClose
 */
export function createJoin(dialog, { devices, meter, hasSpeakers, onJoin, onChoose, onSwitch, onClose }) {
  let state = null;
  let t = null;
  let timer = null;

  const video = h('video', { class: 'join__video', tabIndex: -1, data: { testid: 'join-preview' } });
  video.muted = true;
  video.autoplay = true;
  video.playsInline = true;
  const off = h('p', { class: 'join__off' });
  const level = h('span', { class: 'meter__level' });
  const meterBox = h('div', { class: 'meter join__meter', role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '100', data: { tLabel: 'call.level', testid: 'join-level' } }, level);
  const toggle = (kind, testid) => iconButton(kind, { testid, class: 'button--glass', on: { click: () => onSwitch(kind === 'audio' ? 'microphone' : 'camera', devices.track(kind === 'audio' ? 'microphone' : 'camera') === null) } });
  const microphone = toggle('audio', 'join-microphone');
  const camera = toggle('camera', 'join-camera');
  const mirror = h('div', { class: 'join__mirror' }, video, off, h('div', { class: 'join__switches' }, microphone, camera), meterBox);

  const selects = Object.fromEntries(
    KINDS.map((kind) => {
      const select = h('select', { class: 'field__input field__input--plain', id: `join-${kind}`, data: { testid: `join-select-${kind}` }, on: { change: () => onChoose(kind, select.value) } });
      const row = h('div', { class: 'join__device' }, h('label', { class: 'field__label', htmlFor: select.id, data: { t: `call.${kind}` } }), select);
      return [kind, { select, row }];
    }),
  );
  const problems = h('div', { class: 'join__problems', role: 'status' });
  const who = h('p', { class: 'join__who', data: { testid: 'join-who' } });
  const confirm = h('button', { type: 'button', class: 'button button--primary button--wide', data: { testid: 'join-confirm' }, on: { click: () => (state.call.phase === 'out' ? onJoin() : dialog.close()) } });
  const heading = fillDialog(
    dialog,
    { title: 'call.join', testid: 'join-close', closed },
    h('div', { class: 'join' }, mirror, h('div', { class: 'join__side' }, ...KINDS.map((kind) => selects[kind].row), problems, who, confirm)),
  );

  function closed() {
    clearTimeout(timer);
    timer = null;
    video.srcObject = null;
    onClose();
  }

  function measure() {
    meter.use(devices.track('microphone'));
    const value = onMeter(meter.level());
    level.style.transform = `scaleX(${value.toFixed(3)})`;
    attribute(meterBox, 'aria-valuenow', String(Math.round(value * 100)));
    timer = setTimeout(measure, METER_MS);
  }

  function drawDevices() {
    for (const kind of KINDS) {
      const { select, row } = selects[kind];
      const list = devices.lists[kind];
      row.hidden = list.length === 0 || (kind === 'speaker' && !hasSpeakers);
      const open = devices.track(kind)?.getSettings().deviceId;
      const value = devices.chosen(kind) || open || list[0]?.id || '';
      const names = list.map(({ id, label: name }, at) => [id, name || t('call.device', { number: at + 1 })]);
      const look = JSON.stringify(names);
      if (select.dataset.look !== look) {
        select.dataset.look = look;
        select.replaceChildren(...names.map(([id, name]) => h('option', { value: id }, name)));
      }
      if (select.value !== value) select.value = value;
    }
  }

  function drawProblems() {
    const found = ['microphone', 'camera']
      .map((kind) => [kind, devices.problem(kind)])
      .filter(([, problem]) => problem !== null);
    // Without HTTPS it is one reason for both.
    const insecure = found.some(([, problem]) => problem === 'insecure');
    const lines = insecure ? [['any', 'insecure']] : found;
    const look = JSON.stringify([lines, state.lang]);
    if (problems.dataset.look === look) return;
    problems.dataset.look = look;
    problems.replaceChildren(
      ...lines.map(([kind, problem]) =>
        h(
          'p',
          { class: 'join__problem', data: { testid: 'join-problem', kind, problem } },
          icon('warning'),
          h('span', {}, firstOf(t, [`call.problem.${kind}.${problem}`, `call.problem.${problem}`, 'call.problem.failed'])),
        ),
      ),
    );
  }

  function draw() {
    const { call } = state;
    const before = call.phase === 'out';
    heading.dataset.t = before ? 'call.join' : 'call.settings';
    text(heading, t(heading.dataset.t));
    const track = devices.track('camera');
    const [shown = null] = video.srcObject?.getTracks() ?? [];
    if (shown !== track) {
      video.srcObject = track === null ? null : new MediaStream([track]);
      if (track !== null) void video.play().catch(() => {});
    }
    video.hidden = track === null;
    text(off, track === null ? t(call.asking ? 'call.asking' : 'call.camera_is_off') : '');
    const sounds = devices.track('microphone') !== null && (before || !call.muted);
    setIcon(microphone.firstChild, sounds ? 'audio' : 'microphone_off');
    label(microphone, t(sounds ? 'call.mute' : 'call.unmute'));
    attribute(microphone, 'data-on', String(sounds));
    setIcon(camera.firstChild, track !== null ? 'camera' : 'camera_off');
    label(camera, t(track !== null ? 'call.camera_off' : 'call.camera_on'));
    attribute(camera, 'data-on', String(track !== null));
    drawDevices();
    drawProblems();
    const names = call.inCall.filter(({ own }) => !own).map(({ name }) => name);
    const full = before && call.most > 0 && call.inCall.length >= call.most;
    const said = full
      ? t('call.full', { count: call.most })
      : names.length === 0
        ? t('call.nobody')
        : t(names.length === 1 ? 'call.one' : 'call.some', { name: names[0], names: names.join(', '), count: names.length });
    text(who, before ? said : '');
    attribute(who, 'data-full', String(full));
    const waited = confirm.disabled;
    confirm.disabled = full || call.asking || !call.inside || call.phase === 'joining';
    const silent = devices.track('microphone') === null && track === null;
    text(confirm, t(!before ? 'call.done' : silent ? 'call.join_silent' : track === null ? 'call.join_sound' : 'call.join'));
    attribute(dialog, 'data-asking', String(call.asking));
    // What one has come for; not the way out, on which a dialog begins.
    if (waited && !confirm.disabled && dialog.querySelector('select:focus, .join button:focus') === null) confirm.focus();
  }

  return {
    open() {
      if (!dialog.open) dialog.showModal();
      draw();
      clearTimeout(timer);
      measure();
    },
    close: () => dialog.open && dialog.close(),
    get isOpen() {
      return dialog.open;
    },
    render(next, translate) {
      state = next;
      t = translate;
      if (dialog.open) draw();
    },
  };
}
