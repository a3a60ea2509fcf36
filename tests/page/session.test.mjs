/** One session of the protocol, without a browser and without a network. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { startSession } from '../../src/web/page/net/session.js';
import { openSignalling } from '../../src/web/page/net/signalling.js';
import { FakeSocket, FakeTimers, fakePeers, offer, settle, welcome } from './fakes.mjs';

function begin({ hidden = [], chosen = {}, refuses = false } = {}) {
  const timers = new FakeTimers();
  const peers = fakePeers(refuses);
  const heard = [];
  const note = (name) => (...values) => heard.push([name, ...values]);
  const session = startSession({
    timers,
    videoCodecs: ['H264', 'VP8'],
    wanted: (names) => names.filter((name) => !hidden.includes(name)),
    chosen: (name) => chosen[name] ?? null,
    createPeer: peers.create,
    openSignalling: (events) =>
      openSignalling({ ...events, timers, now: timers.now, url: 'ws://host/ws', WebSocket: FakeSocket }),
    on: Object.fromEntries(
      ['welcome', 'tracks', 'track', 'source', 'sources', 'lacking', 'rendition', 'state', 'doubt', 'refused', 'end'].map((name) => [name, note(name)]),
    ),
  });
  const socket = FakeSocket.last;
  return {
    session,
    socket,
    timers,
    peers,
    heard,
    hidden,
    chosen,
    states: () => heard.filter(([name]) => name === 'state').map(([, state]) => state),
    ends: () => heard.filter(([name]) => name === 'end').map(([, how]) => how),
    async connected() {
      socket.open();
      socket.say(welcome());
      socket.say(offer());
      await settle();
      peers.made[0].options.onState('connected');
      return this;
    },
  };
}

test('a session goes from hello to media', async () => {
  const run = await begin().connected();
  const said = run.socket.sent.filter(({ type }) => type !== 'ping');
  assert.deepEqual(said, [
    { type: 'hello', version: 1, video_codecs: ['H264', 'VP8'] },
    { type: 'join' },
    { type: 'answer', sdp: 'answer' },
  ]);
  assert.equal(run.socket.protocol, 'vitrina.v1');
  assert.deepEqual(run.peers.made[0].options.iceServers, [{ urls: ['stun:192.0.2.1'] }]);
  assert.deepEqual(run.states(), ['joining', 'connecting', 'connected']);
  await run.timers.pass(1500);
  assert.deepEqual(run.ends(), [], 'no deadline is left behind');
});

test('nothing is said before hello, not even a ping', async () => {
  const run = begin();
  await run.timers.pass(3000);
  assert.deepEqual(run.socket.sent, []);
  run.socket.open();
  assert.deepEqual(run.socket.types(), ['hello']);
});

test('hidden sources are joined and paused', () => {
  const run = begin({ hidden: ['camera'] });
  run.socket.open();
  run.socket.say(welcome());
  assert.deepEqual(run.socket.sent.filter(({ type }) => type !== 'ping').slice(1), [
    { type: 'join', select: ['screen'] },
  ]);
});

test('a choice is told once and only when it changes', async () => {
  const run = await begin().connected();
  const selects = () => run.socket.sent.filter(({ type }) => type === 'select').map(({ sources }) => sources);
  run.session.select();
  assert.deepEqual(selects(), []);
  run.hidden.push('screen');
  run.session.select();
  run.session.select();
  run.hidden.pop();
  run.session.select();
  assert.deepEqual(selects(), [['camera'], ['screen', 'camera']]);
});

test('chosen rungs are told again after each join', () => {
  const run = begin({ chosen: { camera: 2, screen: 0, elsewhere: 1 } });
  run.socket.open();
  run.socket.say(welcome());
  assert.deepEqual(run.socket.sent.filter(({ type }) => type !== 'ping').slice(1), [
    { type: 'join' },
    { type: 'choose', source: 'screen', rung: 0 },
    { type: 'choose', source: 'camera', rung: 2 },
  ]);
});

test('a new choice is told at once, automatic without a rung, and before the join not at all', async () => {
  const run = begin();
  run.socket.open();
  run.session.choose('screen');
  assert.deepEqual(run.socket.types(), ['hello']);
  run.socket.say(welcome());
  const chooses = () => run.socket.sent.filter(({ type }) => type === 'choose');
  run.chosen.screen = 1;
  run.session.choose('screen');
  delete run.chosen.screen;
  run.session.choose('screen');
  run.session.choose('nobody');
  assert.deepEqual(chooses(), [
    { type: 'choose', source: 'screen', rung: 1 },
    { type: 'choose', source: 'screen' },
  ]);
  run.session.leave();
  run.session.choose('screen');
  assert.equal(chooses().length, 2);
});

test('what comes of a source is told as the daemon says it', async () => {
  const run = await begin().connected();
  const message = { type: 'rendition', source: 'screen', automatic: true, rung: 0, too_slow: false, rungs: [] };
  run.socket.say(message);
  assert.deepEqual(run.heard.filter(([name]) => name === 'rendition'), [['rendition', message]]);
});

test('a track goes to the source of its mid; one of an unknown mid goes nowhere', async () => {
  const run = await begin().connected();
  const { onTrack } = run.peers.made[0].options;
  onTrack('video1', 'track', 'receiver');
  onTrack('video9', 'track', 'receiver');
  const tracks = run.heard.filter(([name]) => name === 'track');
  assert.equal(tracks.length, 1);
  assert.equal(tracks[0][1].source, 'camera');
});

test('candidates go both ways with their m-line', async () => {
  const run = await begin().connected();
  run.socket.say({ type: 'candidate', mline: 1, candidate: 'candidate:1' });
  assert.deepEqual(run.peers.made[0].candidates, [[1, 'candidate:1']]);
  run.peers.made[0].options.onCandidate(0, '');
  assert.deepEqual(run.socket.sent.at(-1), { type: 'candidate', mline: 0, candidate: '' });
});

test('candidates that follow the offer at once are not lost', async () => {
  const run = begin();
  run.socket.open();
  run.socket.say(welcome());
  run.socket.say(offer());
  run.socket.say({ type: 'candidate', mline: 0, candidate: 'candidate:1' });
  assert.deepEqual(run.peers.made[0].candidates, [[0, 'candidate:1']]);
});

test('a bye carries its reason and when to come back', async () => {
  for (const [message, retryMs] of [
    [{ type: 'bye', reason: 'shutdown', message: 'x', retry_ms: 500 }, 500],
    [{ type: 'bye', reason: 'full', message: 'x' }, null],
  ]) {
    const run = await begin().connected();
    run.socket.say(message);
    run.socket.drop();
    assert.deepEqual(run.ends(), [{ kind: 'bye', reason: message.reason, message: 'x', retryMs }]);
    assert.ok(run.peers.made[0].closed);
    assert.equal(run.timers.pending, 0);
  }
});

test('some refusals end the session for good, some for now, some not at all', async () => {
  const table = [
    ['no_codec', 'impossible'],
    ['bad_version', 'impossible'],
    ['bad_sdp', 'lost'],
    ['unknown_source', null],
    ['too_fast', null],
    ['a_later_code', null],
  ];
  for (const [code, kind] of table) {
    const run = await begin().connected();
    run.socket.say({ type: 'error', code, message: 'sentence' });
    assert.equal(run.ends()[0]?.kind ?? null, kind, code);
    const refused = run.heard.filter(([name]) => name === 'refused');
    assert.deepEqual(refused, kind === null ? [['refused', code, 'sentence']] : []);
  }
});

test('every step has a deadline', async () => {
  const steps = [
    ['no answer to the upgrade', () => {}, 'slow'],
    ['no welcome', ({ socket }) => socket.open(), 'slow'],
    ['no offer', ({ socket }) => (socket.open(), socket.say(welcome())), 'slow'],
    ['no media', ({ socket }) => (socket.open(), socket.say(welcome()), socket.say(offer())), 'media'],
  ];
  for (const [name, act, why] of steps) {
    const run = begin();
    act(run);
    // Pongs keep coming: the deadline is that of the step, not of the connection.
    for (let second = 0; second < 30 && run.ends().length === 0; second += 1) {
      await run.timers.pass(1000);
      const ping = run.socket.sent.findLast(({ type }) => type === 'ping');
      if (ping) run.socket.say({ type: 'pong', id: ping.id, time_ms: 0 });
    }
    assert.deepEqual(run.ends(), [{ kind: 'lost', why }], name);
  }
});

test('a daemon that stops answering is lost after some seconds', async () => {
  const run = await begin().connected();
  // The first ping is answered by what follows `welcome`; the second, 2 s later, by nothing.
  await run.timers.pass(9900);
  assert.deepEqual(run.ends(), []);
  await run.timers.pass(200);
  assert.deepEqual(run.ends(), [{ kind: 'lost', why: 'silent' }]);
});

test('an offer that the browser refuses ends the session with its words', async () => {
  const run = begin({ refuses: true });
  run.socket.open();
  run.socket.say(welcome());
  run.socket.say(offer());
  await settle();
  assert.deepEqual(run.ends(), [{ kind: 'lost', why: 'sdp', message: 'no such codec' }]);
  assert.ok(!run.socket.types().includes('answer'));
});

test('what is not JSON, not a message or not known is passed over', async () => {
  const run = await begin().connected();
  for (const text of ['{', '[]', 'null', '7', '{"type":7}', '{"type":"later"}', '{"type":"constructor"}']) {
    run.socket.say(text);
  }
  assert.deepEqual(run.ends(), []);
});

test('with no sources there is nothing to join', () => {
  const run = begin();
  run.socket.open();
  run.socket.say(welcome([]));
  assert.deepEqual(run.states(), ['connected']);
  assert.ok(!run.socket.types().includes('join'));
});

test('leaving says so and nothing is heard after it', async () => {
  const run = await begin().connected();
  const before = run.heard.length;
  run.session.leave();
  run.socket.say({ type: 'bye', reason: 'left', message: '' });
  run.socket.drop();
  assert.equal(run.socket.types().at(-1), 'leave');
  assert.ok(run.peers.made[0].closed);
  assert.equal(run.heard.length, before);
  assert.equal(run.timers.pending, 0);
});

test('pings measure the daemon’s clock', async () => {
  const run = await begin().connected();
  await run.timers.pass(2000);
  const ping = run.socket.sent.findLast(({ type }) => type === 'ping');
  await run.timers.pass(40);
  run.socket.say({ type: 'pong', id: ping.id, time_ms: 100_020 + run.timers.time - 40 });
  assert.equal(run.session.clock.offsetMs, 100_000);
  assert.equal(run.session.clock.uncertaintyMs, 20);
});

test('sources that are gone are selected no more, and those that are new are for another session', async () => {
  const run = await begin().connected();
  const list = (...names) => welcome().sources.filter(({ name }) => names.includes(name));
  const lacking = () => run.heard.filter(([name]) => name === 'lacking').length;
  const selects = () => run.socket.sent.filter(({ type }) => type === 'select').map(({ sources }) => sources);
  run.socket.say({ type: 'sources', sources: list('camera') });
  assert.deepEqual([selects(), lacking()], [[['camera']], 0]);
  // What comes back was joined.
  run.socket.say({ type: 'sources', sources: list('screen', 'camera') });
  assert.deepEqual([selects().at(-1), lacking()], [['screen', 'camera'], 0]);
  const door = { ...list('camera')[0], name: 'door' };
  run.socket.say({ type: 'sources', sources: [...list('screen', 'camera'), door] });
  assert.deepEqual([selects().at(-1), lacking()], [['screen', 'camera'], 1]);
  // A camera that is heard from now on was offered without sound.
  run.socket.say({ type: 'sources', sources: [{ ...list('camera')[0], media: ['video', 'audio'] }] });
  assert.equal(lacking(), 2);
  assert.deepEqual(run.ends(), []);
});
