/** What the inspector notes, how much of it, and what it keeps to itself. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { exported, fileName } from '../../src/web/page/inspector/exporting.js';
import { createRecorder, FIRST, LAST } from '../../src/web/page/inspector/recorder.js';
import { keptOf, withoutSecrets } from '../../src/web/page/inspector/redact.js';
import { announcedIn, phasesOf, stepsOf } from '../../src/web/page/inspector/story.js';
import { startSession } from '../../src/web/page/net/session.js';
import { openSignalling } from '../../src/web/page/net/signalling.js';
import { createPeer } from '../../src/web/page/net/peer.js';
import { FakeSocket, FakeTimers, offer, settle, welcome } from './fakes.mjs';

/** A peer connection that does what it is told, with the events of a real one. */
class FakeConnection extends EventTarget {
  static last;
  signalingState = 'stable';
  iceGatheringState = 'new';
  iceConnectionState = 'new';
  connectionState = 'new';
  dtls = Object.assign(new EventTarget(), { state: 'new', iceTransport: new EventTarget() });
  receivers = [];
  constructor() {
    super();
    FakeConnection.last = this;
  }
  become(event, property, value) {
    this[property] = value;
    const happened = new Event(event);
    this.dispatchEvent(happened);
    this[`on${event}`]?.(happened);
  }
  async setRemoteDescription() {
    this.become('signalingstatechange', 'signalingState', 'have-remote-offer');
  }
  async createAnswer() {
    return { sdp: 'v=0\r\na=ice-pwd:ofThisBrowser\r\n' };
  }
  async setLocalDescription() {
    this.receivers = [{ transport: this.dtls }];
    this.become('signalingstatechange', 'signalingState', 'stable');
  }
  async addIceCandidate() {}
  getReceivers() {
    return this.receivers;
  }
  async getStats() {
    return new Map();
  }
  close() {}
}

function begin(recorder = undefined, aside = false) {
  const timers = new FakeTimers();
  const watching = recorder ?? createRecorder({ now: timers.now });
  const transports = {
    openSignalling: (events) => openSignalling({ ...events, timers, now: timers.now, url: 'ws://host/ws', WebSocket: FakeSocket }),
    createPeer: (options) => createPeer({ ...options, RTCPeerConnection: FakeConnection }),
  };
  const nothing = () => {};
  const names = ['welcome', 'tracks', 'track', 'source', 'rendition', 'state', 'admin', 'doubt', 'refused', 'end'];
  const { keep, ...watched } = watching.watched(transports, aside);
  const session = startSession({
    ...watched,
    timers,
    videoCodecs: ['H264'],
    wanted: (all) => all,
    chosen: () => null,
    on: Object.fromEntries(names.map((name) => [name, nothing])),
  });
  return { session, recorder: watching, timers, keep, socket: FakeSocket.last };
}

async function connected(run) {
  run.socket.open();
  run.socket.say({ ...welcome(), ice_servers: [{ urls: 'turn:192.0.2.1', username: '99:anna', credential: 'hush' }] });
  run.socket.say({ ...offer(), sdp: 'v=0\r\na=ice-pwd:ofTheDaemon\r\nm=video 9 X 96\r\n' });
  run.socket.say({ type: 'candidate', mline: 0, candidate: 'candidate:1 1 udp 1 192.0.2.7 51234 typ host' });
  await settle();
  const connection = FakeConnection.last;
  connection.become('iceconnectionstatechange', 'iceConnectionState', 'checking');
  connection.become('iceconnectionstatechange', 'iceConnectionState', 'connected');
  Object.assign(connection.dtls, { state: 'connected' }).dispatchEvent(new Event('statechange'));
  connection.become('connectionstatechange', 'connectionState', 'connected');
  return run;
}

const namesOf = (recorder) => stepsOf(recorder.runs.at(-1)).map(({ name }) => name);

test('a connection is noted from its first moment, in order', async () => {
  const { recorder } = await connected(begin());
  assert.deepEqual(namesOf(recorder), [
    'WebSocket opening',
    'WebSocket open',
    'hello',
    'welcome',
    'join',
    'offer',
    'candidate',
    'signaling: have-remote-offer',
    'signaling: stable',
    'answer',
    'ice: checking',
    'ice: connected',
    'dtls: connected',
    'connection: connected',
  ]);
});

test('a session behaves as it does with nobody looking on', async () => {
  const run = await connected(begin());
  assert.deepEqual(run.socket.types().filter((type) => type !== 'ping'), ['hello', 'join', 'answer']);
  assert.equal(run.session.doubtful, false);
  await run.timers.pass(2000);
  assert.ok(run.socket.types().includes('ping'));
  assert.ok(!namesOf(run.recorder).includes('ping'), 'pings are too many to be noted');
  run.session.leave();
  assert.deepEqual(namesOf(run.recorder).slice(-3), ['leave', 'WebSocket closed', 'connection: closed']);
  assert.equal(run.timers.pending, 0);
});

test('a socket is closed once, whoever closes it', async () => {
  const run = await connected(begin());
  run.socket.drop();
  assert.equal(namesOf(run.recorder).filter((name) => name === 'WebSocket closed').length, 1);
});

test('the beginning and the end of a session stay, and two sessions', async () => {
  const run = await connected(begin());
  for (let number = 0; number < FIRST + LAST + 50; number += 1) run.socket.say({ type: 'source', name: 'screen', state: 'live' });
  const [{ entries, left }] = run.recorder.runs;
  assert.equal(entries.length, FIRST + LAST);
  assert.equal(left, 14 + FIRST + LAST + 50 - entries.length);
  assert.equal(entries[0].value, 'opening');
  for (let number = 0; number < 4; number += 1) begin(run.recorder);
  assert.equal(run.recorder.runs.length, 2);
  assert.deepEqual(run.recorder.runs.map(({ id }) => id), [4, 5]);
});

test('trials in vain push no session out; one that does well is the latest, from its beginning on', async () => {
  const run = await connected(begin());
  const { recorder } = run;
  recorder.series.mids.set('of the session', 'v');
  const { tracks } = recorder.series;
  for (let times = 0; times < 5; times += 1) await connected(begin(recorder, true));
  assert.deepEqual([recorder.runs.map(({ id }) => id), recorder.series.tracks], [[1], tracks]);
  assert.equal(recorder.series.mids.size, 1);
  const trial = await connected(begin(recorder, true));
  trial.keep();
  trial.keep();
  assert.deepEqual(recorder.runs.map(({ id }) => id), [1, 7]);
  assert.equal(namesOf(recorder)[0], 'WebSocket opening');
  assert.notEqual(recorder.series.tracks, tracks, 'what is measured is its own');
  assert.equal(recorder.series.mids.size, 0);
});

test('what is watched is told of each entry until it is let go', async () => {
  const run = begin();
  let told = 0;
  const letGo = run.recorder.watch(() => (told += 1));
  run.socket.open();
  assert.equal(told, 2);
  letGo();
  run.socket.say(welcome());
  assert.equal(told, 2);
});

test('of messages that carry people’s words or ways in only the type is kept', () => {
  const secret = 'hush';
  for (const message of [
    { type: 'chat', text: secret },
    { type: 'invitation', link: `https://host/#invite=${secret}`, qr: ['1'] },
    { type: 'viewers', viewers: [{ name: secret }] },
    { type: 'constructor', value: secret },
    { type: 'welcome', viewer: 7, token: secret, title: secret },
    { type: 'ice_servers', ice_servers: [{ urls: [`turn:${secret}@192.0.2.1`], username: secret, credential: secret }] },
  ]) {
    assert.ok(!JSON.stringify(keptOf(message)).includes(secret), message.type);
  }
  assert.deepEqual(keptOf({ type: 'candidate', mline: 1, candidate: 'c', more: 1 }), { type: 'candidate', mline: 1, candidate: 'c' });
  assert.ok(keptOf({ type: 'offer', sdp: 'x'.repeat(1e6) }).sdp.length < 70_000);
});

test('what leaves the page has no password in it', async () => {
  const run = await connected(begin());
  const at = new Date('2026-02-03T04:05:06.789Z');
  const report = new Map([['C', { type: 'certificate', id: 'C', base64Certificate: 'AAAA', fingerprint: 'AB' }]]);
  const about = { software: 'vitrina 1', browser: 'test', timeOrigin: 0, at };
  const told = exported({ recorder: run.recorder, report, echo: [1.23456], about });
  const text = JSON.stringify(told);
  for (const secret of ['ofTheDaemon', 'ofThisBrowser', 'hush', '99:anna', 'AAAA']) assert.ok(!text.includes(secret), secret);
  assert.equal(told.sessions[0].entries.find(({ message }) => message?.type === 'offer').message.sdp, 'v=0\r\na=ice-pwd:•••\r\nm=video 9 X 96\r\n');
  assert.deepEqual(told.echo_ms, [1.235]);
  assert.equal(fileName(at), 'vitrina-inspector-2026-02-03T04-05-06Z.json');
  assert.equal(withoutSecrets('a=ice-pwd:x\na=crypto:1 y\na=mid:0'), 'a=ice-pwd:•••\na=crypto:•••\na=mid:0');
});

test('phases follow one another, as far as they have come', async () => {
  const at = (ms, entry) => ({ at: ms, id: ms, ...entry });
  const signal = (type) => ({ kind: 'signal', from: 'daemon', to: 'browser', message: { type } });
  const state = (machine, value) => ({ kind: 'state', machine, value });
  const entries = [at(10, signal('offer')), at(30, signal('answer')), at(70, state('ice', 'connected')), at(90, state('connection', 'connected'))];
  const spans = (list) => phasesOf(stepsOf({ at: 0, entries: list })).map(({ key, from, to }) => `${key} ${from}-${to}`);
  assert.deepEqual(spans(entries), ['signalling 0-10', 'negotiation 10-30', 'ice 30-70', 'dtls 70-90']);
  assert.deepEqual(spans([...entries, at(80, { kind: 'media', media: 'video', mid: 'v' })]).at(-1), 'media 90-90');
  assert.deepEqual(spans(entries.slice(1)), []);
});

test('a call with a participant is told apart from the connection with the daemon', async () => {
  const run = await connected(begin());
  const before = stepsOf(run.recorder.runs[0]).length;
  const connection = new FakeConnection();
  const say = run.recorder.watchCall(connection, 'Ana');
  say('browser', { type: 'offer', sdp: 'v=0' });
  say('peer', { type: 'answer', sdp: 'v=0' });
  connection.become('connectionstatechange', 'connectionState', 'connected');
  const steps = stepsOf(run.recorder.runs[0]).slice(before);
  assert.deepEqual(
    steps.map(({ from, to, lesson, note }) => [from, to, lesson, note]),
    [
      ['browser', 'peer', 'call_offer', ''],
      ['peer', 'browser', 'call_answer', ''],
      ['browser', null, 'connection_connected', 'Ana'],
    ],
  );
});

test('fingerprints are those of the last offer and answer', async () => {
  const run = await connected(begin());
  assert.deepEqual(announcedIn(run.recorder.runs[0]), { local: null, remote: null });
  run.socket.say({ ...offer(), sdp: 'v=0\r\na=fingerprint:sha-256 AB:CD\r\na=mid:0' });
  await settle();
  assert.deepEqual(announcedIn(run.recorder.runs[0]), { local: null, remote: 'sha-256 AB:CD' });
});

test('a second offer is an ICE restart, and a candidate is explained by its type', async () => {
  const run = await connected(begin());
  run.socket.say({ ...offer(), sdp: 'v=0' });
  await settle();
  const candidate = (text) => run.socket.say({ type: 'candidate', mline: 0, candidate: text });
  candidate('candidate:1 1 udp 1 198.51.100.1 5000 typ srflx raddr 0.0.0.0 rport 0');
  candidate('candidate:1 1 udp 1 198.51.100.1 5000 typ relay raddr 0.0.0.0 rport 0');
  candidate('candidate:1 1 tcp 1 192.0.2.1 443 typ host tcptype passive');
  candidate('candidate:1 1 udp 1 a.local 5000 typ host');
  candidate('');
  const lessons = stepsOf(run.recorder.runs[0]).map(({ lesson }) => lesson);
  assert.ok(lessons.includes('offer') && lessons.includes('offer_again'));
  assert.deepEqual(lessons.slice(-5), ['candidate_srflx', 'candidate_relay', 'candidate_tcp', 'candidate_mdns', 'candidate_end']);
});
