// The connection test: what it says where media gets through, and where it does not.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from './support/between.mjs';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [{ name: 'screen', kind: 'test', pattern: 'smpte', size: '320x180', tone: false }];

/** Waits for the result: the verdict of each line, and its words. */
async function result(viewer) {
  await viewer.page.waitForSelector('[data-testid="check"][data-running="false"] [data-testid="check-line"]');
  return viewer.page.$$eval('[data-testid="check-line"]', (lines) =>
    Object.fromEntries(lines.map((line) => [line.dataset.line, { verdict: line.dataset.verdict, words: line.innerText }])),
  );
}

test('the_connection_test_says_what_works_and_leaves_the_pictures_alone', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.picture('screen');
  await viewer.part('more').click();
  await viewer.part('check-open').click();
  const lines = await result(viewer);
  for (const line of ['page', 'socket', 'udp', 'route']) assert.equal(lines[line].verdict, 'good', lines[line].words);
  assert.match(lines.route.words, /UDP.* ms/s);
  // Its sessions are over, and there is no trace of them.
  await viewer.page.keyboard.press('Escape');
  await viewer.part('check').waitFor({ state: 'hidden' });
  await viewer.connection('connected');
  await viewer.assertMoves('screen');
});

test('the_connection_test_says_what_is_blocked_and_what_to_do', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  // As behind a firewall that lets the page through: the daemon never hears where the page is.
  const between = new Between(['answer']);
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { before: between.join });
  await viewer.part('more').click();
  await viewer.part('check-open').click();
  const lines = await result(viewer);
  assert.deepEqual([lines.page.verdict, lines.socket.verdict, lines.udp.verdict], ['good', 'good', 'bad']);
  assert.match(lines.udp.words, /UDP port.*firewall/s);
  assert.match(await viewer.part('check-summary').innerText(), /cannot get through/);
});
