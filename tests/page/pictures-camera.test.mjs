/** A camera by the WebSocket, both ends, without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createFaces, Fit, MOST_BYTES, sendCamera, sizeOf } from '../../src/web/page/call/frames.js';
import { createRelay } from '../../src/web/page/call/relay.js';
import { frameFrom, KIND } from '../../src/web/page/net/pictures.js';
import { FakeTimers, jpeg, settle } from './fakes.mjs';

/** A camera that gives pictures of so many bytes, and a link that takes them or not. */
function sending({ bytes = () => 20_000 } = {}) {
  const timers = new FakeTimers();
  const track = Object.assign(new EventTarget(), { enabled: true, muted: false });
  const run = { timers, track, sent: [], asked: [], takes: true, closed: 0, size: { width: 1280, height: 720 } };
  run.camera = sendCamera({
    track,
    timers,
    now: timers.now,
    send(frame) {
      if (run.takes) run.sent.push(frameFrom(frame.buffer));
      return run.takes;
    },
    open: () => ({
      size: () => run.size,
      async jpeg(size, quality) {
        run.asked.push({ ...size, quality });
        const data = new Uint8Array(bytes(size, quality));
        data.set(jpeg());
        return data;
      },
      close: () => (run.closed += 1),
    }),
  });
  return run;
}

test('a camera is sent fifteen times a second at most, numbered, as its own', async () => {
  const run = sending();
  await run.timers.pass(10_000);
  assert.ok(run.sent.length > 140 && run.sent.length <= 151, `${run.sent.length} in 10 s`);
  assert.deepEqual(run.sent.slice(0, 3).map(({ kind, number, subject }) => [kind, number, subject]), [[3, 1, 0], [3, 2, 0], [3, 3, 0]]);
});

test('nothing is sent before there is a picture, nor of a camera that is off', async () => {
  const run = sending();
  run.size = { width: 0, height: 0 };
  await run.timers.pass(500);
  assert.equal(run.sent.length, 0);
  run.size = { width: 640, height: 480 };
  run.track.muted = true;
  await run.timers.pass(500);
  run.track.muted = false;
  run.track.enabled = false;
  await run.timers.pass(500);
  assert.equal(run.sent.length, 0);
  run.track.enabled = true;
  await run.timers.pass(500);
  assert.ok(run.sent.length > 5);
});

test('no picture is larger than what the daemon takes, and they become smaller instead', async () => {
  const run = sending({ bytes: ({ width }, quality) => Math.round(width * 1000 * quality) });
  await run.timers.pass(5000);
  assert.ok(run.sent.length > 50);
  assert.ok(run.sent.every(({ data }) => data.length <= MOST_BYTES));
  assert.ok(run.asked.at(-1).width < 640);
});

test('a link that takes nothing has pictures dropped, and made smaller', async () => {
  const run = sending();
  run.takes = false;
  await run.timers.pass(10_000);
  assert.deepEqual(run.asked.at(-1), { width: 240, height: 136, quality: 0.35 });
  run.takes = true;
  await run.timers.pass(60_000);
  assert.equal(run.asked.at(-1).width, 640);
});

test('a stop, or the end of the track, ends it once', async () => {
  for (const end of [({ camera }) => camera.stop(), ({ track }) => track.dispatchEvent(new Event('ended'))]) {
    const run = sending();
    await run.timers.pass(200);
    end(run);
    run.camera.stop();
    const sent = run.sent.length;
    await run.timers.pass(1000);
    assert.deepEqual([run.sent.length, run.closed, run.timers.pending], [sent, 1, 0]);
  }
});

test('what is better in vain is tried less often', () => {
  const fit = new Fit();
  const climb = () => {
    for (let count = 1; ; count += 1) {
      const { width, quality } = fit.now;
      fit.add(1000);
      if (fit.now.width !== width || fit.now.quality !== quality) return count;
    }
  };
  const waits = [climb()];
  for (let times = 0; times < 3; times += 1) {
    for (let at = 0; at < 6; at += 1) fit.add(null);
    waits.push(climb());
  }
  assert.deepEqual(waits, [45, 90, 180, 360]);
});

test('sizes keep their shape, have even sides and never grow', () => {
  assert.deepEqual(sizeOf(1280, 720, 640), { width: 640, height: 360 });
  assert.deepEqual(sizeOf(320, 240, 640), { width: 320, height: 240 });
  assert.deepEqual(sizeOf(720, 1280, 640), { width: 202, height: 360 });
  assert.deepEqual(sizeOf(4000, 1, 240), { width: 240, height: 2 });
});

test('each participant is drawn on its canvas; of whom none is shown one picture is asked for at most', async () => {
  const seen = [];
  const faces = createFaces({
    decode: async () => ({ width: 320, height: 240 }),
    seen: (...what) => seen.push(what),
  });
  const drawn = [];
  const canvas = { width: 0, height: 0, hidden: true, getContext: () => ({ drawImage: () => drawn.push(7) }) };
  const frame = (subject, number) => ({ kind: KIND.participant, subject, number, data: jpeg() });
  faces.take(frame(7, 1));
  assert.deepEqual(seen, [], 'no other is sent until somebody looks');
  faces.show(7, canvas);
  assert.deepEqual(seen, [[7, 1]]);
  faces.take(frame(7, 2));
  await settle();
  faces.take(frame(7, 3));
  faces.take(frame(8, 1));
  await settle();
  assert.deepEqual(drawn, [7, 7]);
  assert.deepEqual(seen, [[7, 1], [7, 2], [7, 3]]);
  assert.deepEqual([canvas.width, canvas.height, canvas.hidden], [320, 240, false]);
  faces.show(7, null);
  faces.take(frame(7, 4));
  await settle();
  assert.deepEqual([drawn.length, seen.at(-1)], [2, [7, 3]]);
  faces.show(7, canvas);
  faces.show(7, canvas);
  assert.deepEqual(seen.slice(3), [[7, 4]], 'once');
  faces.forget(8);
  faces.show(8, canvas);
  assert.equal(seen.length, 4, 'of who is gone nothing is owed');
});

test('the camera goes by the daemon for as long as somebody cannot be reached, and there is a camera', async () => {
  const timers = new FakeTimers();
  const opened = [];
  let sent = 0;
  const relay = createRelay({
    send: () => (sent += 1) > 0,
    seen: () => {},
    decode: async () => ({}),
    timers,
    wallNow: timers.now,
    open(track) {
      opened.push(track);
      return { size: () => ({ width: 640, height: 360 }), jpeg: async () => jpeg(), close: () => opened.push(null) };
    },
  });
  const track = () => Object.assign(new EventTarget(), { enabled: true, muted: false });
  const [first, second] = [track(), track()];
  relay.use(first, false);
  relay.use(null, true);
  await timers.pass(1000);
  assert.deepEqual([opened.length, sent], [0, 0]);
  relay.use(first, true);
  relay.use(first, true);
  await timers.pass(1000);
  assert.ok(sent > 10);
  relay.use(second, true);
  relay.use(second, false);
  const before = sent;
  await timers.pass(1000);
  assert.deepEqual(opened, [first, null, second, null]);
  assert.deepEqual([sent, timers.pending], [before, 0]);
});
