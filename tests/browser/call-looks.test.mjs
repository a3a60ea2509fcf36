// How calls look: at the sizes of a desk and a phone, light and dark. The pictures are for a person, in
// tests/out/screenshots; what a program can see is asserted.

import test, { after } from 'node:test';
import { ASKING, Caller, MEETING, speakingDevices } from './support/caller.mjs';
import { look, SIZES } from './support/looks.mjs';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCE = [{ name: 'screen', title: 'The screen', kind: 'test', pattern: 'smpte', size: '1280x720' }];

// One of each for all: it tries its encoders when it begins.
const house = new Stage({ after });
let daemons = null;
const places = () => (daemons ??= Promise.all([MEETING, { ...MEETING, source: SOURCE }].map((config) => house.daemon({ ...OPEN, ...config }))));

for (const { name, ...device } of SIZES) {
  for (const scheme of ['dark', 'light']) {
    test(`a_call_looks_right_${scheme}_${name}`, async (t) => {
      const stage = new Stage(t);
      const [meeting, beside] = await places();
      const browser = await stage.chromium(speakingDevices(stage.folder()));
      const options = { ...device, colorScheme: scheme };
      for (const [where, { url }] of [['meeting', meeting], ['beside', beside]]) {
        const me = await Caller.open(stage, browser, url, 'Ana García', options);
        const ben = await Caller.open(stage, browser, url, 'Ben');
        const carla = await Caller.open(stage, browser, url, 'Carla Ruiz');
        const shot = (what) => look(me.viewer, `call-${where}-${what}-${name}-${scheme}`);
        if (where === 'meeting') {
          await me.knock();
          await me.page.waitForFunction(() => document.querySelector('[data-testid="join-preview"]').videoWidth > 0);
          await shot('join');
          await me.part('join-close').click();
        }
        await me.join();
        await shot('alone');
        await ben.join();
        await carla.join({ camera: false });
        await carla.part('call-microphone').click();
        await me.moves('Ben');
        await me.tile('Carla', { state: 'connected', muted: true });
        await me.tile('Ben', { speaking: true });
        await shot('three');
        await me.part('call-microphone').click();
        await me.part('call-camera').click();
        await me.tile('Ana', { camera: false, muted: true });
        await ben.part('call-share').click();
        await me.moves('Ben', 'screen');
        await shot('screen');
        await me.part('call-settings').click();
        await shot('settings');
        for (const each of [me, ben, carla]) await each.viewer.close();
      }
    });

    test(`what_is_in_the_way_of_a_call_looks_right_${scheme}_${name}`, async (t) => {
      const stage = new Stage(t);
      const [{ url }] = await places();
      const me = await Caller.open(stage, await stage.chromium(ASKING), url, 'Ana', { ...device, colorScheme: scheme, permissions: [], locale: 'es-ES' });
      await me.knock();
      await look(me.viewer, `call-refused-${name}-${scheme}`);
    });
  }
}
