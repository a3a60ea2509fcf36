/** What views say and do, as far as it needs no browser. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { translator } from '../../src/web/page/i18n/i18n.js';
import { createCallBar } from '../../src/web/page/ui/call/bar.js';
import { createJoin } from '../../src/web/page/ui/call/join.js';
import { NO_CALL } from '../../src/web/page/ui/call/part.js';
import { createPeople } from '../../src/web/page/ui/people.js';
import { withDocument } from './fakes-dom.mjs';

const make = withDocument();
const t = translator('en');
const told = (button) => ['aria-label', 'aria-pressed', 'data-on'].map((name) => button.getAttribute(name));

test('a switch of a call says what a press does, and not that it is pressed', () => {
  const root = make();
  const bar = createCallBar(root, {});
  const draw = (more) => bar.render({ call: { ...NO_CALL, phase: 'in', hasMicrophone: true, ...more } }, t);
  draw({ live: true, camera: true });
  assert.deepEqual(told(root.part('call-microphone')), ['Mute the microphone', null, 'true']);
  assert.deepEqual(told(root.part('call-camera')), ['Turn the camera off', null, 'true']);
  draw({ muted: true, deaf: true });
  assert.deepEqual(told(root.part('call-microphone')), ['Unmute the microphone', null, 'false']);
  assert.deepEqual(told(root.part('call-deafen')), ['Hear the others', null, 'false']);
});

test('the dialog of the devices is the way into a call, and in one a choice of devices', () => {
  const dialog = Object.assign(make('dialog'), { id: 'join' });
  const devices = { track: () => null, lists: { camera: [], microphone: [], speaker: [] }, chosen: () => '', problem: () => null };
  const join = createJoin(dialog, { devices, meter: { use() {}, level: () => 0 }, hasSpeakers: false, onClose() {} });
  const heading = () => dialog.all.find(({ tag }) => tag === 'h2').textContent;
  join.render({ call: NO_CALL, lang: 'en' }, t);
  join.open();
  assert.equal(heading(), 'Join the call');
  assert.deepEqual(told(dialog.part('join-microphone')), ['Unmute the microphone', null, 'false']);
  join.render({ call: { ...NO_CALL, phase: 'in' }, lang: 'en' }, t);
  assert.equal(heading(), 'Camera, microphone and speaker');
  join.close();
});

test('a press on what saves or drops a name does not take the form away before its click', () => {
  const renamed = [];
  const people = createPeople({ rename: (name) => renamed.push(name), redraw() {} });
  const me = { id: 1, name: 'Ana', colour: 1 };
  people.render({ room: { people: [me], me, limits: { people: 32 } } }, t);
  people.root.part('name-edit').click();
  const input = people.root.part('name-input');
  assert.ok(people.root.part('name-save').happen('mousedown').defaultPrevented);
  assert.ok(people.root.part('name-cancel').happen('mousedown').defaultPrevented);
  assert.ok(!input.happen('mousedown').defaultPrevented, 'where one writes the mouse puts the caret');
  input.happen('keydown', { key: 'Escape', isComposing: true });
  input.value = 'Bea';
  input.parentElement.happen('submit');
  assert.deepEqual([renamed, people.root.part('name-input')], [['Bea'], null]);
});
