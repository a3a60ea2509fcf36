// Several viewers at once: each gets everything, and none feels the others come and go.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [
  { name: 'screen', kind: 'test', pattern: 'smpte', size: '640x360', tone: false },
  { name: 'camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];

/** What both videos have come to so far. */
async function progress(viewer) {
  const videos = await viewer.inbound('video');
  assert.equal(videos.length, 2);
  const sum = (name) => videos.reduce((total, video) => total + video[name], 0);
  return {
    frames: videos.map(({ framesDecoded }) => framesDecoded),
    lost: sum('packetsLost'),
    // Each asks for a keyframe: the decoder could not go on.
    asked: sum('pliCount'),
    frozen: sum('totalFreezesDuration'),
  };
}

/**
 * Runs `disturb` and asserts that the pictures of `viewers` go on: no packet lost, no keyframe
 * asked for. Chromium's own count of freezes begins at a gap of 0.2 s, which a machine with two
 * cores that decodes for all of them makes by itself; what is frozen for longer is the daemon's.
 */
async function undisturbed(viewers, disturb) {
  const before = await Promise.all(viewers.map(progress));
  await disturb();
  for (const viewer of viewers) {
    await viewer.picture('screen', 60);
    await viewer.assertMoves('camera');
  }
  for (const [at, viewer] of viewers.entries()) {
    const after = await progress(viewer);
    for (const [video, frames] of after.frames.entries()) {
      assert.ok(frames >= before[at].frames[video] + 60, `viewer ${at}: ${before[at].frames} frames, then ${after.frames}`);
    }
    assert.deepEqual([after.lost, after.asked], [before[at].lost, before[at].asked], `viewer ${at} lost packets`);
    const frozen = after.frozen - before[at].frozen;
    assert.ok(frozen < 1, `viewer ${at} was frozen for ${frozen} s`);
  }
}

test('three_viewers_watch_at_once_and_one_leaving_disturbs_nobody', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const browser = await stage.chromium();
  const viewers = [];
  for (let at = 0; at < 3; at += 1) {
    const viewer = await stage.viewer(browser, daemon.url);
    await viewer.connection();
    viewers.push(viewer);
  }
  for (const viewer of viewers) {
    await viewer.assertMoves('screen');
    await viewer.assertMoves('camera');
  }
  const [first, second, third] = viewers;
  await undisturbed([first, second], () => third.close());
});

test('a_browser_that_dies_disturbs_nobody', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const watched = await stage.viewer(await stage.chromium(), daemon.url);
  await watched.connection();

  const doomed = await stage.chromium();
  const other = await stage.viewer(doomed, daemon.url);
  await other.connection();
  await other.assertMoves('screen');
  await undisturbed([watched], () => stage.crash(doomed));
});

test('a_viewer_that_comes_later_has_a_picture_at_once', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES, video: { keyframe_interval_s: 60 } });
  const browser = await stage.chromium();
  const first = await stage.viewer(browser, daemon.url);
  await first.connection();
  await first.picture('screen', 30);

  const begun = Date.now();
  const second = await stage.viewer(browser, daemon.url);
  await second.picture('screen');
  await second.picture('camera');
  const ms = Date.now() - begun;
  t.diagnostic(`from opening the page to both pictures: ${ms} ms`);
  // The next regular keyframe would be up to a minute away.
  assert.ok(ms < 5000, `it took ${ms} ms`);
});
