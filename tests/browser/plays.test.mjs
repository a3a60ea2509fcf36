// The whole way, with real parts: a display through ximagesrc and a sound card through PulseAudio
// to Chromium, which shows and plays them.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';
import { difference } from './support/viewer.mjs';

test('screen_camera_and_sound_play_side_by_side', async (t) => {
  const stage = new Stage(t);
  const [display, env] = await Promise.all([stage.clock({ width: 960, height: 540 }), stage.sound()]);
  const daemon = await stage.daemon(
    {
      ...OPEN,
      source: [
        { name: 'screen', kind: 'screen', display, title: 'The screen' },
        { name: 'camera', kind: 'test', pattern: 'ball', size: '640x360', tone: false },
        { name: 'sound', kind: 'audio', monitor: true, device: 'speaker.monitor' },
      ],
    },
    { env },
  );
  const browser = await stage.chromium();
  const viewer = await stage.viewer(browser, daemon.url);
  await viewer.connection();
  for (const name of ['screen', 'camera', 'sound']) await viewer.source(name, 'live');

  const screen = await viewer.picture('screen');
  const camera = await viewer.picture('camera');
  assert.deepEqual([screen.width, screen.height], [960, 540]);
  assert.deepEqual([camera.width, camera.height], [640, 360]);
  assert.ok(difference(screen, camera) > 10, `the pictures differ by ${difference(screen, camera)} only`);
  await viewer.assertMoves('screen');
  await viewer.assertMoves('camera');
  assert.deepEqual([...new Set((await viewer.inbound('video')).map(({ codec }) => codec))], ['video/H264']);

  await viewer.turnOnSound();
  const [audio] = await viewer.inbound('audio');
  assert.match(audio.codec, /^audio\/opus$/i);
  const level = await viewer.loudness('sound');
  assert.ok(level > 0.1, `the tone at half of full scale is heard at ${level}`);
  const [later] = await viewer.inbound('audio');
  assert.ok(later.totalAudioEnergy > audio.totalAudioEnergy, 'sound is played');
  assert.ok(later.packetsReceived > audio.packetsReceived, 'sound arrives');
});

test('a_test_picture_has_its_own_sound', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: [{ name: 'test', kind: 'test', size: '320x180', tone_hz: 1000 }] });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.assertMoves('test');
  await viewer.turnOnSound();
  assert.ok((await viewer.loudness('test')) > 0.01, 'the tone is heard');
});

test('where_the_browser_blocks_sound_the_page_asks_for_a_click', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: [{ name: 'test', kind: 'test', size: '320x180' }] });
  const browser = await stage.chromium();
  // Whatever a test asks a page by the driver counts as a click there. So the page has to call.
  let blocked;
  const asked = new Promise((resolve) => (blocked = resolve));
  const viewer = await stage.viewer(browser, daemon.url, {
    before: async (page) => {
      await page.exposeFunction('soundIsBlocked', () => blocked());
      await page.addInitScript(() => {
        const timer = setInterval(() => {
          if (document.getElementById('unblock')?.hidden !== false) return;
          clearInterval(timer);
          window.soundIsBlocked();
        }, 50);
      });
    },
  });
  await asked;
  await viewer.part('sound-unblock').click();
  assert.equal(await viewer.part('sound-unblock').isVisible(), false);
  assert.ok((await viewer.loudness('test')) > 0.01, 'the tone is heard');
});

test('without_sources_the_first_run_shows_two_pictures', async (t) => {
  const stage = new Stage(t);
  // A display, no sound; most machines that run this have no camera, and a test picture in its place.
  const DISPLAY = await stage.clock({ width: 960, height: 540 });
  const env = { DISPLAY, WAYLAND_DISPLAY: undefined, PULSE_SERVER: 'unix:/nowhere', XDG_RUNTIME_DIR: stage.folder() };
  const daemon = await stage.daemon(OPEN, { env });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  const names = await viewer.page.$$eval('video[data-source]', (videos) => videos.map((video) => video.dataset.source));
  assert.ok(names.length >= 2, `there is ${names}`);
  const pictures = [];
  for (const name of names.slice(0, 2)) {
    pictures.push(await viewer.picture(name));
    await viewer.assertMoves(name, { frames: 60 });
  }
  assert.deepEqual([pictures[0].width, pictures[0].height], [960, 540], 'the first is the display');
  assert.ok(difference(...pictures) > 10, 'the two pictures are not the same');
});
