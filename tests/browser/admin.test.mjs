// People with names: who may do what on the page, and what an admin's doing is to the others.

import assert from 'node:assert/strict';
import test from 'node:test';
import { account } from './support/daemon.mjs';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [
  { name: 'screen', title: 'Screen', kind: 'test', pattern: 'smpte', size: '320x180', tone: false },
  { name: 'camera', title: 'Camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];

/** A page that is signed in by name. */
async function signedIn(stage, browser, daemon, name, password) {
  const viewer = await stage.viewer(browser, daemon.url, { expect: [/status of 401/] });
  await viewer.connection('signed-out');
  await viewer.part('signin-name').fill(name);
  await viewer.part('signin-secret').fill(password);
  await viewer.page.keyboard.press('Enter');
  await viewer.connection();
  return viewer;
}

test('an_admin_sees_who_watches_pauses_for_all_and_ends_sessions', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({
    ...OPEN,
    access: { sources: [] },
    account: [account('anna', 'correct horse', 'admin'), account('ben', 'battery staple', 'viewer')],
    source: SOURCES,
  });
  const browser = await stage.chromium();
  const ben = await signedIn(stage, browser, daemon, 'ben', 'battery staple');
  await ben.picture('camera');
  await ben.part('more').click();
  assert.match(await ben.part('person').innerText(), /ben\s+Viewer/);
  assert.ok(await ben.part('admin-open').isHidden(), 'it is for admins');
  await ben.page.keyboard.press('Escape');

  const anna = await signedIn(stage, browser, daemon, 'anna', 'correct horse');
  await anna.picture('camera');
  await anna.part('more').click();
  await anna.part('admin-open').click();
  const row = (name) => anna.part('viewer').filter({ hasText: name });
  await row('anna (you)').waitFor();
  await row('ben').locator('[data-stat="bitrate"]').filter({ hasText: /\d/ }).waitFor();
  assert.match(await row('ben').innerText(), /From 127\.0\.0\.1.*Screen · 320 × 180/s);

  await anna.page.keyboard.press('ArrowRight');
  await anna.page.locator('[data-testid="pause-switch"][data-source="camera"]').click();
  await ben.source('camera', 'paused');
  await ben.assertMoves('screen');
  await anna.part('resume-all').click();
  await ben.source('camera', 'live');
  await ben.assertMoves('camera');

  await anna.page.keyboard.press('Escape');
  await anna.part('more').click();
  await anna.part('admin-open').click();
  await anna.part('admin-viewers').check({ force: true });
  await row('ben').getByTestId('viewer-end').click();
  await row('ben').getByTestId('viewer-end').click();
  await ben.connection('ended');
  await row('ben').waitFor({ state: 'detached' });
  await anna.connection('connected');
});
