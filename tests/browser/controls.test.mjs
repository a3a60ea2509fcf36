// What a person can do with the pictures: by mouse, by keyboard, in two languages.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [
  { name: 'screen', title: 'The screen', kind: 'test', pattern: 'smpte', size: '640x360' },
  { name: 'camera', title: 'The camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];

async function open(t, options) {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, options);
  await viewer.connection();
  for (const { name } of SOURCES) await viewer.picture(name);
  return viewer;
}

const tile = (viewer, name) => viewer.page.locator(`[data-testid="tile"][data-source="${name}"]`);
/** Waits until `big` has come to more than three times the room of `small`. */
const isBig = (viewer, big, small) =>
  viewer.page.waitForFunction(([big, small]) => {
    const area = (name) => {
      const { width, height } = document.querySelector(`[data-testid="tile"][data-source="${name}"]`).getBoundingClientRect();
      return width * height;
    };
    return area(big) > 3 * area(small);
  }, [big, small]);
/** Waits until the tile plays the part of `big`, `small` or `same`. */
const role = (viewer, name, wanted) =>
  viewer.page.waitForSelector(`[data-testid="tile"][data-source="${name}"][data-role="${wanted}"]`);

test('each_picture_can_be_made_the_big_one_and_swapped', async (t) => {
  const viewer = await open(t);
  // Side by side, both have the same room.
  const [screen, camera] = [await tile(viewer, 'screen').boundingBox(), await tile(viewer, 'camera').boundingBox()];
  assert.ok(Math.abs(screen.y - camera.y) < 2 && screen.x + screen.width <= camera.x + 1, JSON.stringify({ screen, camera }));

  await tile(viewer, 'camera').getByTestId('tile-surface').click();
  await role(viewer, 'camera', 'big');
  await isBig(viewer, 'camera', 'screen');
  await viewer.page.keyboard.press('x');
  await role(viewer, 'screen', 'big');
  await isBig(viewer, 'screen', 'camera');
  for (const { name } of SOURCES) await viewer.assertMoves(name);
  await viewer.page.keyboard.press('Escape');
  await viewer.page.waitForFunction(() => !document.querySelector('[data-testid="tile"][data-role="small"]'));
});

test('a_picture_fills_the_screen_and_floats_over_other_windows', async (t) => {
  const viewer = await open(t);
  await tile(viewer, 'camera').hover();
  await tile(viewer, 'camera').getByTestId('tile-fullscreen').click();
  await viewer.page.waitForFunction(() => document.fullscreenElement?.dataset.source === 'camera');
  await viewer.assertMoves('camera');
  await viewer.page.evaluate(() => document.exitFullscreen());
  await viewer.page.waitForFunction(() => document.fullscreenElement === null);

  // A browser without windows may have no picture-in-picture; then there is no button for it.
  const pip = tile(viewer, 'screen').getByTestId('tile-pip');
  const can = await viewer.page.evaluate(() => document.pictureInPictureEnabled);
  assert.equal((await pip.count()) > 0, can);
  if (!can) return;
  await tile(viewer, 'screen').hover();
  await pip.click();
  await viewer.page.waitForFunction(() => document.pictureInPictureElement?.dataset.source === 'screen');
});

test('a_hidden_source_is_not_sent_and_comes_back', async (t) => {
  const viewer = await open(t);
  const frames = async () => {
    const videos = await viewer.inbound('video');
    return videos.map(({ framesReceived, frameWidth }) => ({ framesReceived, frameWidth })).find(({ frameWidth }) => frameWidth === 320).framesReceived;
  };
  await viewer.page.keyboard.press('Shift+Digit2');
  await tile(viewer, 'camera').waitFor({ state: 'hidden' });
  // What was on its way when the daemon stopped may still come; then nothing more does.
  await viewer.picture('screen', 15);
  const before = await frames();
  await viewer.picture('screen', 30);
  assert.equal(await frames(), before, 'a second of the camera was not sent');
  await viewer.assertMoves('screen');

  await viewer.page.keyboard.press('Shift+Digit2');
  await tile(viewer, 'camera').waitFor({ state: 'visible' });
  await viewer.assertMoves('camera');
});

test('sound_is_muted_and_turned_on_again', async (t) => {
  const viewer = await open(t);
  await viewer.turnOnSound();
  const muted = () => viewer.page.$eval('audio[data-source="screen"]', (audio) => audio.muted);
  assert.equal(await muted(), false);
  await viewer.page.keyboard.press('m');
  await viewer.page.waitForFunction(() => document.querySelector('audio').muted);
  await viewer.page.keyboard.press('m');
  await viewer.page.waitForFunction(() => !document.querySelector('audio').muted);
});

test('statistics_tell_what_comes', async (t) => {
  const viewer = await open(t);
  await viewer.page.keyboard.press('i');
  /** The value of a statistic, once there is one: rates need two looks. */
  const value = async (name, stat, pattern = /\d/) => {
    const number = tile(viewer, name).locator(`[data-stat="${stat}"] dd span`).filter({ hasText: pattern });
    await number.waitFor({ state: 'attached' });
    return number.textContent();
  };
  assert.match(await value('screen', 'resolution'), /640\D+360/);
  assert.match(await value('camera', 'resolution'), /320\D+180/);
  assert.match(await value('screen', 'codec', /./), /H\.?264/i);
  // From capture to display, by the time that the daemon writes beside each picture.
  const age = Number.parseInt(await value('screen', 'latency', /^\d+ ms/), 10);
  assert.ok(age < 1000, `${age} ms from capture to display`);
  for (const stat of ['fps', 'bitrate', 'loss', 'rtt', 'buffer']) await value('screen', stat);
});

test('the_page_speaks_spanish_to_those_who_ask_for_it', async (t) => {
  const viewer = await open(t, { locale: 'es-MX' });
  assert.equal(await viewer.page.getAttribute('html', 'lang'), 'es');
  assert.match(await viewer.part('status').innerText(), /conectado/i);
  assert.match(await viewer.part('fullscreen').getAttribute('aria-label'), /pantalla/i);
});
