// People who call each other: real browsers, with cameras and microphones that nobody has.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Caller, DEVICES } from './support/caller.mjs';
import { meeting, together } from './support/calling.mjs';

test('three_people_see_and_hear_each_other', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben', 'Carla'], { room: 'three', speech: true });
  const [ana, ben, carla] = people;
  for (const each of people) await each.join();
  await together(people);
  for (const each of people) {
    for (const other of people) await each.moves(other.name);
    for (const other of people) if (other !== each) await each.hears(other.name);
  }
  // What the others say, and what one says oneself.
  for (const each of people) await each.tile(each.name, { speaking: true });
  await ana.tile('Ben', { speaking: true });

  await ben.part('call-microphone').click();
  for (const each of people) await each.tile('Ben', { muted: true, speaking: false });
  assert.ok((await ana.loudness('Ben')) < 0.005, 'a muted one is not heard');

  // Push-to-talk: for as long as the key is held.
  await ben.page.keyboard.down('Space');
  await ana.tile('Ben', { muted: false });
  await ana.hears('Ben');
  await ben.page.keyboard.up('Space');
  await ana.tile('Ben', { muted: true });
  await ben.part('call-microphone').click();
  await ana.tile('Ben', { muted: false });

  await ana.part('call-deafen').click();
  assert.equal(await ana.loudness('Ben'), 0);
  assert.equal(await ana.loudness('Carla'), 0);
  await carla.hears('Ana');
  await ana.part('call-deafen').click();
  await ana.hears('Ben');

  await carla.part('call-camera').click();
  await ana.tile('Carla', { camera: false });
  assert.equal(await carla.page.evaluate(() => window.vitrinaCall.given.filter(({ kind, readyState }) => kind === 'video' && readyState === 'live').length), 0, 'the light is off');
  await carla.part('call-camera').click();
  await ana.tile('Carla', { camera: true });
  await ana.moves('Carla');

  await ben.leave();
  await ana.gone('Ben');
  await ben.clean();
  await ana.moves('Carla');
});

test('who_leaves_rudely_is_gone_within_ten_seconds', async (t) => {
  const { stage, url, people } = await meeting(t, ['Ana', 'Ben'], { room: 'rude' });
  const [ana, ben] = people;
  const other = await stage.chromium(DEVICES);
  const rude = await Caller.open(stage, other, url, 'Rude', { expect: [/./] });
  for (const each of [...people, rude]) await each.join();
  await together([...people, rude]);
  await stage.crash(other);
  const since = Date.now();
  for (const each of people) await each.gone('Rude', 10_000);
  assert.ok(Date.now() - since < 10_000);
  await ana.moves('Ben');
  await ben.moves('Ana');
});

/** As behind firewalls that let nothing pass: there is no relay. */
function throughRelaysAlone() {
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(settings) {
      super({ ...settings, iceTransportPolicy: 'relay' });
    }
  };
}

test('where_two_browsers_cannot_reach_each_other_their_cameras_go_by_the_daemon', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'relayed', options: { inPage: throughRelaysAlone } });
  const [ana, ben] = people;
  for (const each of people) await each.join();
  await ana.tile('Ben', { state: 'unreachable', relayed: true }, { timeout: 30_000 });
  await ben.tile('Ana', { state: 'unreachable', relayed: true });
  await ana.moves('Ben');
  await ben.moves('Ana');
  await ben.part('call-camera').click();
  await ana.tile('Ben', { relayed: false, camera: false });
  await ben.part('call-camera').click();
  await ana.tile('Ben', { relayed: true });
  await ana.moves('Ben');
});
