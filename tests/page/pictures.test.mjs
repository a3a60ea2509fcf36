/** Binary frames, what is asked for, and what is drawn of it: without a browser. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesOf, createDrawing, createPictures, frameFrom, KIND, widthFor } from '../../src/web/page/net/pictures.js';
import { JitterBuffer } from '../../src/web/page/sound/jitter.js';
import { FakeTimers, jpeg, settle } from './fakes.mjs';

const buffer = (frame) => bytesOf(frame).buffer;

test('a frame is what was written', () => {
  const frame = { kind: KIND.participant, number: 0xfffffffe, timeMs: 1_795_784_526_123.456, subject: 7, data: jpeg(3) };
  const read = frameFrom(buffer(frame));
  assert.deepEqual({ ...read, data: [...read.data] }, { ...frame, data: [...frame.data] });
});

test('the form is the documented one', () => {
  const bytes = bytesOf({ kind: KIND.sound, number: 0x01020304, timeMs: 0.005, subject: 6, data: new Uint8Array([9]) });
  assert.deepEqual([...bytes], [2, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 9]);
});

test('what is cut, too long, of another kind or no JPEG is no frame', () => {
  const whole = { kind: KIND.picture, number: 1, timeMs: 1, subject: 0, data: jpeg(1) };
  for (let length = 0; length <= 17; length += 1) assert.equal(frameFrom(buffer(whole).slice(0, length)), null, `${length}`);
  assert.equal(frameFrom(buffer({ ...whole, kind: 9 })), null);
  assert.equal(frameFrom(buffer({ ...whole, kind: 0 })), null);
  assert.equal(frameFrom(buffer({ ...whole, data: new Uint8Array([1, 2, 3]) })), null);
  const long = (kind, length) => ({ ...whole, kind, data: Uint8Array.from({ length }, (_, at) => jpeg(1)[at] ?? 0) });
  assert.equal(frameFrom(buffer(long(KIND.sound, 8193))), null);
  assert.equal(frameFrom(buffer(long(KIND.participant, (128 << 10) + 1))), null);
  assert.notEqual(frameFrom(buffer(long(KIND.participant, 128 << 10))), null);
});

test('widths are those that there are, and nothing is asked for what is not seen', () => {
  const table = [[0, 0], [NaN, 0], [1, 320], [320, 320], [400, 320], [401, 640], [800, 640], [801, 1280], [3840, 1280]];
  for (const [pixels, width] of table) assert.equal(widthFor(pixels), width, `${pixels}`);
});

/** A drawing whose decoder is the test. */
function drawing() {
  const run = { decoding: [], drawn: [], seen: [] };
  run.drawing = createDrawing({
    decode: (data) => new Promise((resolve, reject) => run.decoding.push({ data: data.at(-1), resolve, reject })),
    draw: (subject, bitmap) => run.drawn.push([subject, bitmap.of]),
    seen: (subject, number) => run.seen.push([subject, number]),
  });
  run.take = (number, subject = 0) =>
    run.drawing.take(frameFrom(buffer({ kind: KIND.picture, number, timeMs: 1, subject, data: jpeg(number) })));
  run.decoded = async (fails = false) => {
    const { data, resolve, reject } = run.decoding.shift();
    if (fails) reject(new Error('no picture'));
    else resolve({ of: data });
    await settle();
  };
  return run;
}

test('a picture is acknowledged when it is drawn, and the newest of those that came meanwhile follows', async () => {
  const run = drawing();
  for (const number of [1, 2, 3]) run.take(number);
  assert.deepEqual([run.decoding.length, run.seen], [1, [[0, 2]]], 'the second is given up for the third');
  await run.decoded();
  assert.deepEqual([run.drawn, run.seen], [[[0, 1]], [[0, 2], [0, 1]]]);
  await run.decoded();
  assert.deepEqual([run.drawn.at(-1), run.seen.at(-1)], [[0, 3], [0, 3]]);
});

test('one that cannot be decoded holds up nothing, and subjects do not wait for each other', async () => {
  const run = drawing();
  run.take(1);
  run.take(1, 4);
  assert.equal(run.decoding.length, 2);
  await run.decoded(true);
  assert.deepEqual([run.drawn, run.seen], [[], [[0, 1]]]);
  await run.decoded();
  run.take(2);
  await run.decoded();
  assert.deepEqual(run.drawn, [[4, 1], [0, 2]]);
});

test('where nobody looks nothing is drawn nor acknowledged, and afterwards it goes on', async () => {
  const run = drawing();
  run.drawing.hold(true);
  run.take(1);
  await settle();
  assert.deepEqual([run.decoding.length, run.seen], [0, []]);
  run.drawing.hold(false);
  await run.decoded();
  assert.deepEqual(run.seen, [[0, 1]]);
  run.take(2);
  await run.decoded();
  assert.deepEqual(run.drawn, [[0, 1], [0, 2]]);
});

test('a hold that begins and ends while one is decoded leaves nothing behind', async () => {
  const run = drawing();
  run.take(1);
  run.drawing.hold(true);
  run.take(2);
  run.drawing.hold(false);
  await run.decoded();
  await run.decoded();
  assert.deepEqual(run.seen, [[0, 1], [0, 2]]);
  run.take(3);
  await run.decoded();
  assert.deepEqual([run.drawn.length, run.seen.at(-1)], [3, [0, 3]]);
});

test('what is over draws nothing more', async () => {
  const run = drawing();
  run.take(1);
  run.drawing.stop();
  await run.decoded();
  run.take(2);
  assert.deepEqual([run.drawn, run.seen, run.decoding.length], [[], [], 0]);
});

function pictures() {
  const timers = new FakeTimers();
  const run = { timers, sent: [], heard: [] };
  const note = (name) => (...values) => run.heard.push([name, ...values]);
  run.pictures = createPictures({
    send: (message) => run.sent.push(message),
    decode: async (data) => ({ width: 640, height: 360, of: data.at(-1) }),
    now: timers.now,
    ageOf: (timeMs) => timers.time - timeMs,
    on: {
      came: note('came'),
      picture: (name, bitmap) => run.heard.push(['picture', name, bitmap.of]),
      sound: (name, { number }) => run.heard.push(['sound', name, number]),
      participant: ({ subject }) => run.heard.push(['participant', subject]),
    },
  });
  run.pictures.welcome(['screen', 'mic']);
  run.come = async (kind, subject, number = 1) => {
    run.pictures.take(buffer({ kind, number, timeMs: Math.max(0, timers.time - 80), subject, data: jpeg(number) }));
    await settle();
  };
  return run;
}

test('sources that come later are counted on, and those that are gone keep their numbers', async () => {
  const run = pictures();
  run.pictures.relist(['door', 'mic']);
  run.pictures.want([{ source: 'door', width: 640 }, { source: 'mic' }], true);
  await run.come(KIND.picture, 2);
  await run.come(KIND.sound, 1);
  assert.deepEqual(run.heard, [['came'], ['picture', 'door', 1], ['came'], ['sound', 'mic', 1]]);
});

test('the same is asked for once, and its end too', () => {
  const { pictures: each, sent } = pictures();
  each.want([{ source: 'screen', width: 640 }], true);
  each.want([{ source: 'screen', width: 640 }], true);
  each.want([{ source: 'screen', width: 320 }], true);
  each.end();
  each.end();
  assert.deepEqual(sent, [
    { type: 'pictures', sources: [{ source: 'screen', width: 640 }], audio: true },
    { type: 'pictures', sources: [{ source: 'screen', width: 320 }], audio: true },
    { type: 'pictures', sources: [], audio: false },
  ]);
});

test('pictures and sound go to their source; what nobody asked for, or of nobody, goes nowhere', async () => {
  const run = pictures();
  await run.come(KIND.picture, 0);
  await run.come(KIND.sound, 1);
  assert.deepEqual(run.heard, []);
  assert.deepEqual(run.sent, [{ type: 'seen', subject_kind: 1, subject: 0, number: 1 }], 'but it is acknowledged');
  run.pictures.want([{ source: 'screen', width: 640 }, { source: 'mic' }], true);
  await run.come(KIND.picture, 0, 2);
  await run.come(KIND.sound, 1, 3);
  await run.come(KIND.picture, 2, 4);
  await run.come(KIND.participant, 9, 5);
  assert.deepEqual(run.heard, [
    ['came'], ['picture', 'screen', 2],
    ['came'], ['sound', 'mic', 3],
    ['participant', 9],
  ]);
});

test('what comes is counted over the last two seconds', async () => {
  const run = pictures();
  run.timers.time = 1000;
  run.pictures.want([{ source: 'screen', width: 640 }], true);
  for (let number = 1; number <= 50; number += 1) {
    await run.come(KIND.picture, 0, number);
    await run.timers.pass(100);
  }
  const { video, audio } = run.pictures.summary('screen');
  assert.equal(audio, null);
  assert.deepEqual([video.width, video.height, video.delayMs], [640, 360, 80]);
  assert.ok(Math.abs(video.fps - 10) < 0.6, `${video.fps}`);
  assert.equal(video.bytes, jpeg(1).length);
  await run.timers.pass(2100);
  assert.equal(run.pictures.summary('screen').video, null);
});

/** `count` samples that count up from `from`. */
const ramp = (from, count) => [Float32Array.from({ length: count }, (_, at) => from + at)];

test('sound waits for 60 ms of it, is played in order, and on both channels', () => {
  const kept = new JitterBuffer(1000);
  const out = () => [new Float32Array(20), new Float32Array(20)];
  kept.push(ramp(1, 20));
  kept.push(ramp(21, 20));
  let block = out();
  kept.pull(block);
  assert.deepEqual([...block[0]], Array(20).fill(0));
  kept.push(ramp(41, 20));
  for (const from of [1, 21, 41]) {
    kept.pull((block = out()));
    assert.deepEqual(block, [ramp(from, 20)[0], ramp(from, 20)[0]]);
  }
  kept.pull((block = out()));
  assert.deepEqual([...block[0]], Array(20).fill(0));
  assert.equal(kept.missed, 20);
  kept.push(ramp(1, 20));
  kept.pull((block = out()));
  assert.deepEqual([...block[0]], Array(20).fill(0), 'it fills again first');
});

test('sound is never more than 200 ms behind: the oldest is dropped', () => {
  const kept = new JitterBuffer(1000);
  for (let at = 0; at < 100; at += 1) {
    kept.push(ramp(at * 20, 20));
    assert.ok(kept.keptMs <= 200, `${kept.keptMs}`);
  }
  assert.ok(kept.dropped > 0);
  const block = [new Float32Array(10)];
  const kept60 = kept.keptMs;
  kept.pull(block);
  assert.equal(block[0][0], 2000 - kept60, 'what is played first is the oldest of what is left');
});
