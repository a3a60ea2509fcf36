// A source goes away and comes back, and so does the daemon's voice: the page says so in words,
// the rest goes on, and nobody has to touch anything.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

test('a_screen_that_goes_away_says_so_and_comes_back', async (t) => {
  const stage = new Stage(t);
  const { display, xvfb, clock } = await stage.clockPrograms({ width: 960, height: 540 });
  const daemon = await stage.daemon({
    ...OPEN,
    source: [
      { name: 'screen', kind: 'screen', display },
      { name: 'camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
    ],
  });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.assertMoves('screen');

  await xvfb.stop();
  await clock.ended;
  await viewer.source('screen', 'failed');
  const cover = viewer.page.locator('[data-testid="tile"][data-source="screen"] [data-testid="cover"]');
  await cover.waitFor({ state: 'visible' });
  assert.ok((await cover.innerText()).length > 10, 'it says what is wrong');
  await viewer.assertMoves('camera');

  await stage.clockPrograms({ width: 960, height: 540, number: display });
  await viewer.source('screen', 'live', 60_000);
  await viewer.assertMoves('screen');
  await viewer.connection('connected');
});

test('a_source_that_was_never_there_does_not_keep_the_others_away', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({
    ...OPEN,
    source: [
      { name: 'camera', kind: 'camera', device: '/dev/there-is-no-such-camera' },
      { name: 'test', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
    ],
  });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.source('camera', 'failed');
  await viewer.assertMoves('test');
});

test('a_daemon_that_falls_silent_is_noticed_and_found_again', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: [{ name: 'test', kind: 'test', size: '320x180', tone: false }] });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { expect: [/WebSocket connection|net::ERR/] });
  await viewer.connection();
  await viewer.assertMoves('test');

  // As a cable that is pulled: nothing comes, and nothing says why.
  process.kill(daemon.pid, 'SIGSTOP');
  stage.after(() => process.kill(daemon.pid, 'SIGCONT'));
  await viewer.connection('reconnecting');
  process.kill(daemon.pid, 'SIGCONT');
  await viewer.connection('connected');
  await viewer.assertMoves('test');
});
