/** From WebRTC to pictures and back: when, within one session and over several. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { returnDelay } from '../../src/web/page/net/fallback.js';
import { bytesOf, KIND } from '../../src/web/page/net/pictures.js';
import { startSession } from '../../src/web/page/net/session.js';
import { openSignalling } from '../../src/web/page/net/signalling.js';
import { FakeSocket, FakeTimers, fakePeers, jpeg, offer, settle, welcome } from './fakes.mjs';

function begin({ mode = 'webrtc', names = ['screen', 'camera'], media = ['video', 'audio'], sound = true } = {}) {
  const timers = new FakeTimers();
  const peers = fakePeers();
  const run = { timers, peers, heard: [], hidden: [], widths: { screen: 1280, camera: 300 }, visible: true };
  const told = ['welcome', 'tracks', 'track', 'source', 'state', 'doubt', 'refused', 'end', 'flows', 'pictures', 'picture', 'sound'];
  run.session = startSession({
    timers,
    mode,
    videoCodecs: ['H264'],
    wanted: (all) => all.filter((name) => !run.hidden.includes(name)),
    chosen: () => null,
    view: { width: (name) => run.widths[name] ?? 0, visible: () => run.visible, sound },
    decode: async () => ({ width: 640, height: 360 }),
    createPeer: peers.create,
    openSignalling: (events) =>
      openSignalling({ ...events, timers, now: timers.now, url: 'ws://host/ws', WebSocket: FakeSocket }),
    on: Object.fromEntries(told.map((name) => [name, (...values) => run.heard.push([name, ...values])])),
  });
  const socket = FakeSocket.last;
  let number = 0;
  Object.assign(run, {
    socket,
    of: (name) => run.heard.filter(([each]) => each === name).map(([, value]) => value),
    asked: () => socket.sent.filter(({ type }) => type === 'pictures').map(({ sources }) => sources),
    async opened() {
      socket.open();
      const greeting = welcome(names, 'live');
      socket.say({ ...greeting, sources: greeting.sources.map((source) => ({ ...source, media })) });
      if (mode === 'webrtc' || mode === 'trial') socket.say(offer(names));
      await settle();
      return run;
    },
    async picture(subject = 0) {
      number += 1;
      socket.sendFrame(bytesOf({ kind: KIND.picture, number, timeMs: 1, subject, data: jpeg() }));
      await settle();
    },
    /** Lets time pass with so many packets of media a second; the daemon answers pings. */
    async go(ms, { fps = 0, pictures = false } = {}) {
      const peer = peers.made.at(-1);
      for (let at = 0; at < ms; at += 100) {
        await timers.pass(100);
        if (peer) peer.packets += fps / 10;
        if (pictures) await run.picture();
        const ping = socket.sent.findLast(({ type }) => type === 'ping');
        if (ping) socket.say({ type: 'pong', id: ping.id, time_ms: 0 });
      }
    },
    async connected() {
      await run.opened();
      peers.made[0].options.onState('connected');
      await run.go(4000, { fps: 30 });
      return run;
    },
  });
  return run;
}

const ALL = [{ source: 'screen', width: 1280 }, { source: 'camera', width: 320 }];

test('without a connection 3 s after the offer, pictures are asked for, as wide as they are seen', async () => {
  const run = await begin().opened();
  await run.go(2900);
  assert.deepEqual(run.asked(), []);
  await run.go(200);
  assert.deepEqual(run.asked(), [ALL]);
  assert.deepEqual(run.of('pictures'), [], 'nobody is told before one has come');
  await run.picture();
  assert.deepEqual(run.of('pictures'), [{ why: 'blocked', alone: false }]);
  assert.equal(run.of('state').at(-1), 'connected');
  assert.deepEqual(run.of('picture'), ['screen']);
  assert.deepEqual(run.of('end'), []);
});

test('the connection that comes about late takes its place, when media comes by it steadily', async () => {
  const run = await begin().opened();
  await run.go(4500, { pictures: true });
  run.peers.made[0].options.onState('connected');
  await run.go(1000, { pictures: true });
  assert.equal(run.of('pictures').length, 1, 'it stands, but nothing comes by it');
  await run.go(1500, { pictures: true, fps: 30 });
  assert.deepEqual(run.of('pictures'), [{ why: 'blocked', alone: false }, null]);
  assert.deepEqual(run.asked().at(-1), []);
  assert.ok(!run.peers.made[0].closed);
});

test('a connection that does not come about is given up, and the session goes on', async () => {
  const run = await begin().opened();
  await run.go(30_000, { pictures: true });
  assert.deepEqual(run.of('pictures'), [{ why: 'blocked', alone: false }, { why: null, alone: true }]);
  assert.ok(run.peers.made[0].closed);
  assert.deepEqual(run.of('end'), []);
});

test('where ICE fails at once nothing is waited for', async () => {
  const run = await begin().opened();
  run.peers.made[0].options.onState('failed');
  assert.deepEqual(run.asked(), [ALL]);
  await run.picture();
  assert.deepEqual(run.of('pictures'), [{ why: 'blocked', alone: false }, { why: null, alone: true }]);
});

test('what the daemon gives up the page gives up, and says nothing more of it', async () => {
  const run = await begin().opened();
  await run.go(4500, { pictures: true });
  run.socket.say({ type: 'error', code: 'connection_failed', message: '' });
  assert.deepEqual(run.of('pictures').at(-1), { why: null, alone: true });
  const before = run.socket.sent.length;
  run.hidden = ['screen'];
  run.session.select();
  run.session.choose('camera');
  assert.deepEqual(run.socket.types().slice(before), ['pictures']);
  assert.deepEqual([run.of('refused'), run.of('end')], [[], []]);
});

test('where neither comes the session ends, as it did before there were pictures', async () => {
  const run = await begin().opened();
  await run.go(25_000);
  assert.deepEqual(run.of('end'), [{ kind: 'lost', why: 'media' }]);
  assert.equal(run.timers.pending, 0);
});

test('cut in mid-session, pictures are asked for within 4 s and end when media is back', async () => {
  const run = await begin().connected();
  await run.go(4000);
  assert.deepEqual(run.asked(), [ALL]);
  assert.equal(run.of('state').at(-1), 'interrupted');
  await run.go(500, { pictures: true });
  assert.deepEqual(run.of('pictures'), [{ why: 'lost', alone: false }]);
  assert.equal(run.of('state').at(-1), 'connected');
  run.peers.made[0].answers += 1;
  await run.go(1500, { pictures: true, fps: 30 });
  assert.equal(run.of('pictures').at(-1), null);
  assert.deepEqual(run.asked().at(-1), []);
});

test('cut for good, the connection is given up and the pictures go on', async () => {
  const run = await begin().connected();
  await run.go(4000);
  await run.go(20_000, { pictures: true });
  assert.deepEqual(run.of('pictures'), [{ why: 'lost', alone: false }, { why: null, alone: true }]);
  assert.deepEqual(run.of('end'), []);
  assert.ok(run.peers.made[0].closed);
  run.socket.say(offer());
  await settle();
  assert.equal(run.peers.made.length, 1, 'what the daemon still offers of it is not answered');
});

test('what heals in time asks for nothing', async () => {
  const run = await begin().connected();
  await run.go(2500);
  await run.go(3000, { fps: 30 });
  assert.deepEqual(run.asked(), []);
});

test('a session that was made for pictures joins nothing and is connected at once', async () => {
  const run = await begin({ mode: 'pictures' }).opened();
  assert.deepEqual(run.socket.types().filter((type) => type !== 'ping'), ['hello', 'pictures']);
  assert.deepEqual(run.of('pictures'), [{ why: 'blocked', alone: true }]);
  assert.deepEqual(run.of('state'), ['connected']);
  await run.go(60_000);
  assert.deepEqual([run.of('end'), run.peers.made.length], [[], 0], 'a source may take its time');
});

test('what is hidden, small or elsewhere is asked for as it is', async () => {
  const run = await begin({ mode: 'pictures' }).opened();
  run.hidden = ['screen'];
  run.session.select();
  assert.deepEqual(run.asked().at(-1), [{ source: 'camera', width: 320 }]);
  assert.ok(!run.socket.types().includes('select'), 'nothing was joined');
  run.hidden = [];
  run.widths = { screen: 200, camera: 600 };
  for (let times = 0; times < 10; times += 1) run.session.fit();
  await run.go(200);
  assert.equal(run.asked().length, 2, 'many changes are one');
  await run.go(200);
  assert.deepEqual(run.asked().at(-1), [{ source: 'screen', width: 320 }, { source: 'camera', width: 640 }]);
});

test('a page that nobody sees asks for no pictures, and keeps the sound alone', async () => {
  for (const [sound, asked] of [[false, []], [true, [{ source: 'screen', width: 320 }, { source: 'camera', width: 320 }]]]) {
    const run = await begin({ mode: 'pictures', sound }).opened();
    await run.picture();
    const seen = () => run.socket.sent.filter(({ type }) => type === 'seen').length;
    assert.equal(seen(), 1);
    run.visible = false;
    run.session.fit();
    await run.go(400);
    assert.deepEqual(run.asked().at(-1), asked);
    await run.picture();
    assert.equal(seen(), 1, 'what comes is not acknowledged, so that nothing follows');
    run.visible = true;
    run.session.fit();
    await run.go(400);
    assert.deepEqual([seen(), run.asked().at(-1)], [2, ALL]);
  }
});

test('where nothing is to come nothing is waited for', async () => {
  const run = await begin().opened();
  for (const name of ['screen', 'camera']) run.socket.say({ type: 'source', name, state: 'paused', by: 'admin' });
  await run.go(3200);
  assert.deepEqual(run.of('pictures'), [{ why: 'blocked', alone: false }]);
});

test('a session on trial does not fall back, until it has proved itself', async () => {
  const trial = await begin({ mode: 'trial' }).opened();
  await trial.go(7900);
  assert.deepEqual([trial.asked(), trial.of('end')], [[], []]);
  await trial.go(200);
  assert.deepEqual(trial.of('end'), [{ kind: 'lost', why: 'media' }]);

  const good = begin({ mode: 'trial' });
  await good.opened();
  good.peers.made[0].options.onState('connected');
  await good.go(4000, { fps: 30 });
  assert.ok(good.of('flows').length > 0);
  good.session.stay();
  await good.go(4000);
  assert.deepEqual(good.asked(), [ALL]);
});

test('a picture of this page’s own camera goes where not too much waits', async () => {
  const run = await begin().opened();
  assert.equal(run.session.sendPicture(new Uint8Array([1])), true);
  run.socket.bufferedAmount = 1 << 20;
  assert.equal(run.session.sendPicture(new Uint8Array([2])), false);
  assert.deepEqual(run.socket.frames.map(([first]) => first), [1]);
  run.session.seen(4, 9);
  assert.deepEqual(run.socket.sent.at(-1), { type: 'seen', subject_kind: 3, subject: 4, number: 9 });
});

test('WebRTC is tried again after a quarter, half and whole minute, not by all pages at once', () => {
  for (const [attempt, ms] of [[1, 15_000], [2, 30_000], [3, 60_000], [4, 60_000], [99, 60_000]]) {
    assert.equal(returnDelay(attempt, () => 0.5), ms);
    assert.ok(returnDelay(attempt, () => 0) < returnDelay(attempt, () => 1));
  }
});
