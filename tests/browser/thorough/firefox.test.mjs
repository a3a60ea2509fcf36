// Firefox and Chromium in one room: they read each other, and call each other.

import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Caller, DEVICES, MEETING } from '../support/caller.mjs';
import { FirefoxViewer, launchFirefox } from '../support/firefox.mjs';
import { OPEN, Stage } from '../support/stage.mjs';

const IN_PAGE = readFileSync(new URL('../support/in-page-call.js', import.meta.url), 'utf8');

test('firefox_and_chromium_chat_and_see_and_hear_each_other', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, ...MEETING });
  const ana = await Caller.open(stage, await stage.chromium(DEVICES), daemon.url, 'Ana');
  const { page } = await FirefoxViewer.open(stage, await launchFirefox(stage), daemon.url);
  await page.setViewport({ width: 1280, height: 800 });
  await page.evaluateOnNewDocument(IN_PAGE);
  await page.evaluate(() => localStorage.setItem('vitrina.settings', JSON.stringify({ roomName: 'Fox' })));
  await page.reload();
  const part = (name) => page.waitForSelector(`[data-testid="${name}"]`, { visible: true });
  await (await part('chat-input')).type('Hello from Firefox');
  await page.keyboard.press('Enter');
  await ana.page.locator('[data-testid="said-text"]').filter({ hasText: 'Hello from Firefox' }).waitFor();

  await ana.join();
  await (await part('call-open')).click();
  await page.waitForSelector('[data-testid="join"][open][data-asking="false"]');
  if ((await page.$('[data-testid="join-camera"]')) !== null) {
    const shows = () => page.evaluate(() => document.querySelector('.join__video')?.srcObject?.getVideoTracks().length > 0);
    if (!(await shows())) await (await part('join-camera')).click();
    await page.waitForFunction(() => document.querySelector('.join__video')?.srcObject?.getVideoTracks().length > 0);
  }
  await (await part('join-confirm')).click();
  await ana.tile('Fox', { state: 'connected', camera: true }, { timeout: 30_000 });
  await ana.moves('Fox');
  await ana.hears('Fox');
  const there = (name, ...args) => page.evaluate(([name, args]) => window.vitrinaCall[name](...args), [name, args]);
  await page.waitForFunction(() => window.vitrinaCall.tileOf('Ana')?.dataset.state === 'connected');
  await there('moves', 'Ana', 'camera');
  // By what was decoded: without a sound card Firefox starts no AudioContext.
  await page.waitForFunction(async () => {
    const [standing] = window.vitrinaTest.peers.filter(({ connectionState }) => connectionState === 'connected');
    const reports = [...(await standing.getStats()).values()];
    return reports.some(({ type, kind, totalAudioEnergy }) => type === 'inbound-rtp' && kind === 'audio' && totalAudioEnergy > 0.001);
  });
  await ana.leave();
  await page.waitForFunction(() => window.vitrinaCall.tileOf('Ana') === null);
});
