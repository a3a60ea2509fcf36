/** A network that changes or goes silent, within one session: noticed, mended, told. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { watchNetwork } from '../../src/web/page/net/network.js';
import { createPeer } from '../../src/web/page/net/peer.js';
import { countersOf, Pulse } from '../../src/web/page/net/pulse.js';
import { startSession } from '../../src/web/page/net/session.js';
import { openSignalling } from '../../src/web/page/net/signalling.js';
import { FakeSocket, FakeTimers, fakePeers, offer, received, settle, welcome } from './fakes.mjs';

/** A session with two live pictures, connected, over a network that the test can break. */
async function watching() {
  const timers = new FakeTimers();
  const peers = fakePeers();
  const heard = [];
  let wanted = (names) => names;
  const session = startSession({
    timers,
    videoCodecs: ['H264'],
    wanted: (names) => wanted(names),
    chosen: () => null,
    createPeer: peers.create,
    openSignalling: (events) =>
      openSignalling({ ...events, timers, now: timers.now, url: 'ws://host/ws', WebSocket: FakeSocket }),
    on: Object.fromEntries(
      ['welcome', 'tracks', 'track', 'source', 'rendition', 'state', 'doubt', 'refused', 'end'].map((name) => [
        name,
        (...values) => heard.push([name, ...values]),
      ]),
    ),
  });
  const socket = FakeSocket.last;
  socket.open();
  socket.say(welcome(['screen', 'camera'], 'live'));
  socket.say(offer());
  await settle();
  const [peer] = peers.made;
  peer.options.onState('connected');
  const of = (name) => heard.filter(([each]) => each === name);
  const run = {
    timers,
    session,
    socket,
    peers,
    peer,
    restarts: () => socket.sent.filter(({ type }) => type === 'restart').length,
    states: () => of('state').map(([, state]) => state).slice(2),
    doubts: () => of('doubt').length,
    ends: () => of('end').map(([, how]) => how),
    take(names) {
      wanted = () => names;
      session.select();
    },
    /** Lets time pass with so many pictures a second; the daemon answers pings, or does not. */
    async go(ms, { fps = 30, pongs = true, answers = 0 } = {}) {
      const from = timers.time;
      let sent = 0;
      for (let at = 0; at < ms; at += 100) {
        await timers.pass(Math.min(100, ms - at));
        const due = Math.floor(((timers.time - from) * fps) / 1000);
        peer.packets += due - sent;
        sent = due;
        peer.answers += answers;
        const ping = socket.sent.findLast(({ type }) => type === 'ping');
        if (pongs && ping) socket.say({ type: 'pong', id: ping.id, time_ms: 0 });
      }
    },
  };
  return run;
}

test('pictures that stop coming have ICE restarted within two seconds, and nobody is told if that helps', async () => {
  const run = await watching();
  await run.go(5000);
  assert.equal(run.restarts(), 0);
  await run.go(1800, { fps: 0 });
  assert.equal(run.restarts(), 1);
  await run.go(3000);
  assert.equal(run.restarts(), 1);
  assert.deepEqual([run.states(), run.ends()], [['connected'], []]);
});

test('what does not mend at once is told, tried again, and in the end given up', async () => {
  const run = await watching();
  await run.go(5000);
  await run.go(3000, { fps: 0 });
  assert.deepEqual(run.states(), ['connected', 'interrupted']);
  await run.go(1500, { fps: 0 });
  assert.equal(run.restarts(), 2);
  await run.go(500);
  assert.deepEqual(run.states(), ['connected', 'interrupted', 'connected']);
  await run.go(2000);
  await run.go(8000, { fps: 0 });
  assert.deepEqual(run.ends(), [{ kind: 'lost', why: 'media' }]);
  assert.equal(run.timers.pending, 0);
});

test('a still screen, one picture a second, is no broken one', async () => {
  const run = await watching();
  await run.go(5000);
  await run.go(30_000, { fps: 1 });
  assert.deepEqual([run.restarts(), run.states()], [0, ['connected']]);
  await run.go(2500, { fps: 0 });
  assert.equal(run.restarts(), 1);
});

test('a camera of a picture every three seconds is missed only after its own time', async () => {
  const run = await watching();
  await run.go(20_000, { fps: 1 / 3, answers: 1 });
  assert.ok(run.restarts() <= 2, 'until its time is known');
  const before = run.restarts();
  await run.go(30_000, { fps: 1 / 3, answers: 1 });
  assert.deepEqual([run.restarts(), run.states()], [before, ['connected']]);
});

test('what is paused, and what has no pictures to send, is not missed', async () => {
  const run = await watching();
  await run.go(3000);
  run.take([]);
  await run.go(20_000, { fps: 0 });
  assert.deepEqual([run.restarts(), run.states()], [0, ['connected']]);
  run.take(['screen', 'camera']);
  await run.go(3000);
  for (const name of ['screen', 'camera']) run.socket.say({ type: 'source', name, state: 'failed', cause: 'lost' });
  await run.go(20_000, { fps: 0 });
  assert.equal(run.restarts(), 0);
});

test('a path that still answers is whole: only the pictures have stopped', async () => {
  const run = await watching();
  await run.go(3000);
  await run.go(20_000, { fps: 0, answers: 1 });
  assert.deepEqual([run.restarts(), run.states(), run.ends()], [1, ['connected'], []]);
});

test('a page that was held up itself blames nobody for that time', async () => {
  const run = await watching();
  await run.go(3000);
  // Asleep, or its thread was busy: timers that were due run late, what has come is read after them.
  run.timers.time += 4000;
  run.peer.packets += 1;
  await run.go(3000);
  assert.deepEqual([run.restarts(), run.doubts(), run.states()], [0, 0, ['connected']]);
});

test('ICE that is disconnected is restarted at once, and may mend', async () => {
  const run = await watching();
  await run.go(2000);
  run.peer.options.onState('disconnected');
  assert.deepEqual([run.restarts(), run.states()], [1, ['connected', 'interrupted']]);
  await run.go(1000, { fps: 0 });
  run.peer.options.onState('connected');
  await run.go(8000);
  assert.deepEqual([run.states(), run.ends()], [['connected', 'interrupted', 'connected'], []]);
  run.peer.options.onState('disconnected');
  await run.go(5100, { fps: 0 });
  assert.deepEqual(run.ends(), [{ kind: 'lost', why: 'media' }]);
});

test('another network has ICE restarted although pictures still come; a mere look does not', async () => {
  const run = await watching();
  await run.go(2000);
  run.session.hurry();
  await run.go(1000);
  assert.equal(run.restarts(), 0);
  run.session.hurry(true);
  assert.equal(run.restarts(), 1);
  await run.go(8000);
  assert.deepEqual([run.restarts(), run.states(), run.ends()], [1, ['connected'], []]);
});

test('the offer of a restart is answered on the same connection, whoever began it', async () => {
  const run = await watching();
  run.socket.say({ ...offer(), sdp: 'v=0 again' });
  run.socket.say({ type: 'candidate', mline: 0, candidate: 'candidate:2' });
  await settle();
  assert.equal(run.peers.made.length, 1);
  assert.deepEqual(run.peer.offers, ['v=0', 'v=0 again']);
  assert.deepEqual(run.peer.candidates, [[0, 'candidate:2']]);
  assert.equal(run.socket.types().filter((type) => type === 'answer').length, 2);
  run.peer.options.onCandidate(0, 'candidate:mine');
  assert.deepEqual(run.socket.sent.at(-1), { type: 'candidate', mline: 0, candidate: 'candidate:mine' });
  assert.deepEqual([run.states(), run.ends()], [['connected'], []]);
});

test('other ICE servers are taken by the running connection', async () => {
  const run = await watching();
  const servers = [{ urls: ['turn:192.0.2.7'], username: 'u', credential: 'c' }];
  run.socket.say({ type: 'ice_servers', ice_servers: servers });
  assert.deepEqual(run.peer.servers, servers);
});

test('neither pictures nor pongs: that is told within two seconds; a pong takes it back', async () => {
  const run = await watching();
  await run.go(5000);
  await run.go(2000, { fps: 0, pongs: false });
  assert.equal(run.doubts(), 1);
  assert.ok(run.session.doubtful);
  await run.go(200, { fps: 0 });
  assert.ok(!run.session.doubtful);
  await run.go(7900, { pongs: false });
  assert.deepEqual([run.ends(), run.session.doubtful], [[], false], 'pictures come: the network is there');
  await run.go(2500, { pongs: false });
  assert.deepEqual(run.ends(), [{ kind: 'lost', why: 'silent' }]);
});

test('pauses are remembered for a while, and pictures are missed only once they were usual', () => {
  const pulse = new Pulse();
  const at = (ms, packets) => pulse.add(countersOf(received(packets, 0)), ms, 600);
  assert.deepEqual(at(0, 5), { media: false, path: false }, 'the first look compares with nothing');
  for (let n = 1; n <= 3; n += 1) assert.equal(at(n * 300, 5 + n).media, true);
  assert.ok(pulse.usual);
  assert.equal(pulse.patienceMs, 1300);
  for (let n = 4; n <= 9; n += 1) at(n * 300, 8);
  assert.equal(pulse.quietMs, 1800);
  at(3000, 9);
  assert.equal(pulse.patienceMs, 1.6 * 2100);
  for (let n = 11; n <= 70; n += 1) at(n * 300, n);
  assert.equal(pulse.patienceMs, 1300);
  pulse.rest();
  assert.ok(!pulse.usual);
  // Another path after a restart: what it has carried counts.
  assert.equal(pulse.add(countersOf(received(70, 1, 'other')), 30_000, 600).path, true);
});

test('offers are taken one after the other, and tracks are handed out once', async () => {
  const steps = [];
  let connection;
  class Connection {
    track = { kind: 'audio' };
    constructor() {
      connection = this;
      this.configuration = { iceServers: [], bundlePolicy: 'max-bundle' };
    }
    async setRemoteDescription({ sdp }) {
      steps.push(`take ${sdp}`);
      await settle();
      this.ontrack({ transceiver: { mid: '0' }, track: this.track, receiver: {} });
    }
    createAnswer = async () => ({ sdp: 'v=0' });
    setLocalDescription = async () => void steps.push('answered');
    addIceCandidate = async ({ candidate }) => void steps.push(candidate);
    getConfiguration = () => this.configuration;
    setConfiguration = (next) => (this.configuration = next);
  }
  const tracks = [];
  const peer = createPeer({
    RTCPeerConnection: Connection,
    iceServers: [],
    onTrack: (mid) => tracks.push(mid),
    onCandidate() {},
    onState() {},
  });
  const both = [peer.accept('first'), peer.accept('second')];
  peer.addCandidate(0, 'candidate');
  await Promise.all(both);
  assert.deepEqual(steps, ['take first', 'candidate', 'answered', 'take second', 'answered']);
  assert.deepEqual(tracks, ['0']);
  peer.setServers([{ urls: ['stun:192.0.2.1'] }]);
  assert.deepEqual(connection.configuration, { iceServers: [{ urls: ['stun:192.0.2.1'] }], bundlePolicy: 'max-bundle' });
});

test('a network that is another is told from one that is only slower', () => {
  const browser = new EventTarget();
  const connection = Object.assign(new EventTarget(), { type: 'wifi' });
  browser.navigator = { connection };
  const told = [];
  watchNetwork(() => told.push('changed'), () => told.push('perhaps'), browser);
  connection.dispatchEvent(new Event('change'));
  connection.type = 'none';
  connection.dispatchEvent(new Event('change'));
  connection.type = 'cellular';
  connection.dispatchEvent(new Event('change'));
  browser.dispatchEvent(new Event('online'));
  assert.deepEqual(told, ['perhaps', 'perhaps', 'changed', 'changed']);
  const bare = new EventTarget();
  bare.navigator = {};
  watchNetwork(() => told.push('changed'), () => {}, bare);
  bare.dispatchEvent(new Event('online'));
  assert.equal(told.length, 5);
});
