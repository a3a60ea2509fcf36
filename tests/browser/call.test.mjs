// People who call each other: real browsers, with cameras and microphones that nobody has.

import assert from 'node:assert/strict';
import test from 'node:test';
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
