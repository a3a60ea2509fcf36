// The daemon goes away and comes back; the page does so too, and nobody has to touch it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [{ name: 'screen', kind: 'test', pattern: 'smpte', size: '640x360', tone: false }];
/** A picture is back within this of the daemon's being ready; more where the machine is busy with other things. */
const AWAY_MS = Number(process.env.VITRINA_AWAY_MS ?? 3000);
/** What Chromium's console says while nobody listens, and what it says of a lost WebSocket. */
const UNREACHABLE = [/net::ERR_CONNECTION_(REFUSED|RESET|CLOSED)|net::ERR_EMPTY_RESPONSE|WebSocket connection to/];

async function restart(t, signal, expected) {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { expect: UNREACHABLE });
  await viewer.connection();
  await viewer.assertMoves('screen');

  const how = await daemon.stop({ signal });
  expected(how, daemon);
  await viewer.connection('reconnecting');
  await daemon.start();
  const ready = Date.now();
  await viewer.connection('connected');
  await viewer.picture('screen');
  const ms = Date.now() - ready;
  t.diagnostic(`RECOVERY fault="daemon ended by ${signal}" ms=${ms}`);
  assert.ok(ms < AWAY_MS, `the picture was back ${ms} ms after the daemon was ready`);
  await viewer.assertMoves('screen');
  assert.equal(await viewer.page.evaluate(() => performance.getEntriesByType('navigation')[0].type), 'navigate');
}

test('the_page_comes_back_after_the_daemon_was_stopped_and_started', (t) =>
  restart(t, 'SIGTERM', ({ code, ms }, daemon) => {
    assert.equal(code, 0, daemon.program.tail());
    assert.ok(ms < 2000, `it took ${ms} ms to stop`);
  }));

test('the_page_comes_back_after_the_daemon_was_killed', (t) =>
  restart(t, 'SIGKILL', ({ signal }) => assert.equal(signal, 'SIGKILL')));

test('a_reload_brings_a_new_source_while_the_picture_goes_on_and_takes_one_away', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.follow('screen');
  const since = await viewer.page.evaluate(() => Date.now());
  const door = { name: 'door', kind: 'test', pattern: 'ball', size: '320x180', tone: false };

  await daemon.reload({ source: [...SOURCES, door] });
  await viewer.assertMoves('door');
  await viewer.assertMoves('screen');
  // From one connection to the other: a keyframe is waited for, and nothing is dark meanwhile.
  const away = await viewer.outage('screen', since);
  assert.ok(away < 1000, `the picture stood still for ${away} ms`);

  await daemon.reload({ source: [door] });
  await viewer.page.waitForSelector('[data-testid="tile"][data-source="screen"]', { state: 'detached' });
  await viewer.assertMoves('door');
  assert.equal(await viewer.page.evaluate(() => performance.getEntriesByType('navigation')[0].type), 'navigate');
});
