// How it looks where WebRTC cannot pass: pictures by the WebSocket, and the faces of a call.

import test from 'node:test';
import { Between } from '../support/between.mjs';
import { Caller, DEVICES, MEETING, throughRelaysAlone } from '../support/caller.mjs';
import { look, SIZES } from '../support/looks.mjs';
import { OPEN, Stage } from '../support/stage.mjs';

const SOURCES = [
  { name: 'screen', title: 'Screen', kind: 'test', pattern: 'smpte', size: '1280x720' },
  { name: 'camera', title: 'Camera', kind: 'test', pattern: 'ball', size: '640x360', tone: false },
];

for (const { name: size, ...screen } of SIZES) {
  test(`pictures_by_the_web_connection_look_right_on_a_${size}`, async (t) => {
    const stage = new Stage(t);
    const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
    const viewer = await stage.viewer(await stage.chromium(), daemon.url, { ...screen, before: new Between(['answer']).join });
    await viewer.page.waitForSelector('html[data-media="pictures"]', { state: 'attached' });
    await viewer.part('byway').waitFor();
    for (const colorScheme of ['dark', 'light']) {
      await viewer.page.emulateMedia({ colorScheme });
      await viewer.page.waitForSelector(`html[data-theme="${colorScheme}"]`, { state: 'attached' });
      await look(viewer, `${size}-${colorScheme}-byway`);
    }
  });

  test(`a_face_that_goes_by_the_daemon_looks_right_on_a_${size}`, async (t) => {
    const stage = new Stage(t);
    const daemon = await stage.daemon({ ...OPEN, ...MEETING });
    const browser = await stage.chromium(DEVICES);
    const ana = await Caller.open(stage, browser, daemon.url, 'Ana', { inPage: throughRelaysAlone, ...screen });
    const ben = await Caller.open(stage, browser, daemon.url, 'Ben', { inPage: throughRelaysAlone });
    for (const each of [ana, ben]) await each.join();
    await ana.tile('Ben', { relayed: true }, { timeout: 30_000 });
    await ana.moves('Ben');
    for (const colorScheme of ['dark', 'light']) {
      await ana.page.emulateMedia({ colorScheme });
      await ana.page.waitForSelector(`html[data-theme="${colorScheme}"]`, { state: 'attached' });
      await look(ana.viewer, `${size}-${colorScheme}-relayed`);
    }
  });
}
