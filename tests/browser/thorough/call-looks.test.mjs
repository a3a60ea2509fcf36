// How calls look: at the sizes of a desk and a phone, light and dark. The pictures are for a person, in
// tests/out/screenshots; what a program can see is asserted.

import test, { after } from 'node:test';
import { ASKING, Caller, MEETING, speakingDevices } from '../support/caller.mjs';
import { look, SIZES } from '../support/looks.mjs';
import { OPEN, Stage } from '../support/stage.mjs';

const SOURCE = [{ name: 'screen', title: 'The screen', kind: 'test', pattern: 'smpte', size: '1280x720' }];

// One of each for all: a daemon tries its encoders when it begins.
const house = new Stage({ after });
const meeting = house.daemon({ ...OPEN, ...MEETING });
const beside = house.daemon({ ...OPEN, ...MEETING, source: SOURCE });
const speaking = house.chromium(speakingDevices(house.folder()));

for (const { name, ...device } of SIZES) {
  const shots = (person) => async (what) => {
    for (const colorScheme of ['dark', 'light']) {
      await person.page.emulateMedia({ colorScheme });
      await person.page.waitForSelector(`html[data-theme="${colorScheme}"]`, { state: 'attached' });
      await look(person.viewer, `call-${what}-${name}-${colorScheme}`);
    }
  };

  for (const [where, starting] of [['meeting', meeting], ['beside', beside]]) {
    test(`a_call_looks_right_${where}_${name}`, async (t) => {
      const stage = new Stage(t);
      const { url } = await starting;
      const browser = await speaking;
      const me = await Caller.open(stage, browser, url, 'Ana García', device);
      const shot = shots(me);
      await me.knock();
      await me.page.waitForFunction(() => document.querySelector('[data-testid="join-preview"]').videoWidth > 0);
      await shot(`${where}-join`);
      await me.part('join-confirm').click();
      await me.inCall();
      await shot(`${where}-alone`);
      const ben = await Caller.open(stage, browser, url, 'Ben');
      const carla = await Caller.open(stage, browser, url, 'Carla Ruiz');
      await ben.join();
      await carla.join({ camera: false });
      await carla.part('call-microphone').click();
      await me.moves('Ben');
      await me.tile('Carla', { state: 'connected', muted: true });
      await me.tile('Ben', { speaking: true });
      await shot(`${where}-three`);
      await me.part('call-microphone').click();
      await me.part('call-camera').click();
      await me.tile('Ana', { camera: false, muted: true });
      await ben.part('call-share').click();
      await me.moves('Ben', 'screen');
      await shot(`${where}-screen`);
      await me.part('call-settings').click();
      await shot(`${where}-settings`);
    });
  }

  test(`what_is_in_the_way_of_a_call_looks_right_${name}`, async (t) => {
    const stage = new Stage(t);
    const { url } = await meeting;
    const me = await Caller.open(stage, await stage.chromium(ASKING), url, 'Ana', { ...device, permissions: [], locale: 'es-ES' });
    await me.knock();
    await shots(me)('refused');
  });
}
