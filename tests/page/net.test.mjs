/** Codecs, clock, access and the peer connection, each by itself. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createAccess, tokenIn } from '../../src/web/page/net/access.js';
import { ServerClock } from '../../src/web/page/net/clock.js';
import { takesConstrainedBaseline, videoCodecs, withStereo } from '../../src/web/page/net/codecs.js';
import { createPeer } from '../../src/web/page/net/peer.js';
import { settle } from './fakes.mjs';

const h264 = (profile, mode = 1) => ({
  mimeType: 'video/H264',
  sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
});
const codec = (name) => ({ mimeType: `video/${name}` });

test('H.264 comes first, each codec once, and what only repairs not at all', () => {
  const codecs = ['VP8', 'rtx', 'VP9', 'AV1', 'red', 'ulpfec', 'flexfec-03'].map(codec);
  codecs.splice(3, 0, h264('42001f'), h264('42e01f'), h264('640032'));
  assert.deepEqual(videoCodecs({ codecs }), ['H264', 'VP8', 'VP9', 'AV1']);
  assert.deepEqual(videoCodecs({ codecs: [codec('VP9'), codec('VP8')] }), ['VP8', 'VP9']);
  assert.deepEqual(videoCodecs(null), ['H264', 'VP8']);
});

test('H.264 is claimed only where the daemon’s profile and packets are taken', () => {
  const table = [
    [h264('42e01f'), true],
    [h264('42001f'), true],
    [h264('42E034'), true],
    [h264('4d001f'), false],
    [h264('640c1f'), false],
    [h264('42e01f', 0), false],
    [{ sdpFmtpLine: 'profile-level-id=42e01f' }, false],
    [{ sdpFmtpLine: 'packetization-mode=1' }, false],
    [{}, false],
  ];
  for (const [{ sdpFmtpLine }, takes] of table) assert.equal(takesConstrainedBaseline(sdpFmtpLine), takes, sdpFmtpLine);
  assert.deepEqual(videoCodecs({ codecs: [codec('VP8'), h264('640032')] }), ['VP8']);
});

test('stereo is answered where it is offered, and nothing else is touched', () => {
  const offer = 'v=0\r\na=rtpmap:97 OPUS/48000/2\r\na=fmtp:97 sprop-stereo=1;minptime=10\r\n';
  const answer = 'v=0\r\na=rtpmap:97 opus/48000/2\r\na=fmtp:97 minptime=10;useinbandfec=1\r\n';
  assert.equal(withStereo(answer, offer), answer.replace('useinbandfec=1', 'useinbandfec=1;stereo=1'));
  assert.equal(withStereo(answer, offer.replace('sprop-stereo=1', 'sprop-stereo=0')), answer);
  assert.equal(withStereo(answer.replace('minptime', 'stereo=0;minptime'), offer).match(/stereo/g).length, 1);
  const bare = 'v=0\r\na=rtpmap:97 opus/48000/2\r\n';
  assert.equal(withStereo(bare, offer), 'v=0\r\na=rtpmap:97 opus/48000/2\r\na=fmtp:97 stereo=1\r\n');
  const video = 'v=0\r\na=rtpmap:97 H264/90000\r\n';
  assert.equal(withStereo(video, offer), video);
});

test('the clock believes the quickest ping and forgets old ones', () => {
  const clock = new ServerClock();
  assert.equal(clock.offsetMs, null);
  clock.add(1000, 1100, 6050 + 40);
  clock.add(2000, 2010, 7005);
  clock.add(3000, 3200, 8100 + 90);
  assert.equal(clock.offsetMs, 5000);
  assert.equal(clock.uncertaintyMs, 5);
  assert.equal(clock.lastRoundTripMs, 200);
  clock.add(10, 5, 0);
  clock.add(1, 2, Number.NaN);
  assert.equal(clock.lastRoundTripMs, 200, 'nonsense is not taken');
  for (let n = 0; n < 30; n += 1) clock.add(0, 20, 9010);
  assert.equal(clock.offsetMs, 9000);
});

const reply = (status, body, headers = {}) => ({
  ok: status < 300,
  status,
  headers: new Map(Object.entries(headers)),
  json: async () => {
    if (body === undefined) throw new SyntaxError('not JSON');
    return body;
  },
});

function server(answers) {
  const asked = [];
  const fetch = async (path, { method, body }) => {
    asked.push([method, path, body]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, fetch };
}

test('a link’s token is tried once', async () => {
  const closed = () => reply(200, { access: 'token', authorized: false });
  const { asked, fetch } = server([closed(), reply(401, { error: { code: 'wrong_token', message: 'm' } }), closed()]);
  const access = createAccess({ fetch, linkToken: 'abc' });
  const entry = await access.enter();
  assert.deepEqual(entry, {
    access: 'token',
    accounts: false,
    authorized: false,
    name: null,
    role: 'viewer',
    refusal: { ok: false, code: 'wrong_token', message: 'm' },
  });
  assert.deepEqual(asked[1], ['POST', '/api/session', '{"token":"abc"}']);
  assert.equal((await access.enter()).refusal, undefined);
  assert.equal(asked.length, 3);
});

test('a link’s token is kept while the daemon is out of reach or throttles', async () => {
  const closed = () => reply(200, { access: 'token', authorized: false });
  const { fetch } = server([
    closed(),
    new TypeError('network'),
    closed(),
    reply(429, undefined, { 'Retry-After': '3' }),
    closed(),
    reply(204),
  ]);
  const access = createAccess({ fetch, linkToken: 'abc' });
  await assert.rejects(access.enter());
  assert.deepEqual((await access.enter()).refusal, { ok: false, code: 'throttled', message: '', retryMs: 3000 });
  assert.equal((await access.enter()).authorized, true);
});

test('no token is sent where none is asked for', async () => {
  for (const session of [
    { access: 'open', authorized: true },
    { access: 'token', authorized: true },
    { access: 'password', authorized: false },
  ]) {
    const { asked, fetch } = server([reply(200, session)]);
    const nobody = { accounts: false, name: null, role: 'viewer' };
    assert.deepEqual(await createAccess({ fetch, linkToken: 'abc' }).enter(), { ...session, ...nobody });
    assert.equal(asked.length, 1);
  }
});

test('who has come in by name is told, and what they may do', async () => {
  const session = { access: 'named', accounts: true, authorized: true, name: 'anna', role: 'admin' };
  const { asked, fetch } = server([reply(204), reply(200, session), reply(200, { ...session, authorized: false, role: 'admin' })]);
  const access = createAccess({ fetch });
  assert.deepEqual(await access.signIn({ name: 'anna', password: 'x' }), { ok: true });
  assert.deepEqual(asked[0], ['POST', '/api/session', '{"name":"anna","password":"x"}']);
  assert.deepEqual(await access.enter(), session);
  assert.equal((await access.enter()).role, 'viewer', 'who is not let in may do nothing');
});

test('an answer that is no answer counts as out of reach', async () => {
  for (const answer of [reply(502), reply(200, {}), reply(200, undefined), new TypeError('network')]) {
    await assert.rejects(createAccess({ fetch: server([answer]).fetch }).enter());
  }
});

test('a sign-in never rejects and always has a code', async () => {
  const table = [
    [reply(204), { ok: true }],
    [reply(401, { error: { code: 'wrong_password', message: 'm' } }), { ok: false, code: 'wrong_password', message: 'm' }],
    [reply(429, { error: { code: 'throttled', message: 'm' } }), { ok: false, code: 'throttled', message: 'm', retryMs: 5000 }],
    [reply(500), { ok: false, code: 'refused', message: '' }],
    [new TypeError('network'), { ok: false, code: 'unreachable', message: '' }],
  ];
  for (const [answer, result] of table) {
    assert.deepEqual(await createAccess({ fetch: server([answer]).fetch }).signIn({ password: 'x' }), result);
  }
});

test('a token is found in what people paste', () => {
  const table = [
    ['abc-123', 'abc-123'],
    ['  abc \n', 'abc'],
    ['https://host:8443/#token=abc', 'abc'],
    ['#token=a%2Bb', 'a+b'],
    ['#token=%E0%A4%A', '%E0%A4%A'],
    ['#a=1&token=abc&b=2', 'abc'],
    ['https://host:8443/', null],
    ['two words', null],
    ['', null],
    ['#', null],
  ];
  for (const [text, token] of table) assert.equal(tokenIn(text), token, text);
});

/** As much of RTCPeerConnection as is used, with descriptions that the test lets through. */
class FakeConnection {
  static last;
  calls = [];
  constructor(config) {
    FakeConnection.last = this;
    this.config = config;
  }
  setRemoteDescription() {
    return new Promise((resolve) => (this.letThrough = resolve));
  }
  async createAnswer() {
    return { type: 'answer', sdp: 'v=0' };
  }
  async setLocalDescription({ sdp }) {
    this.calls.push(sdp);
  }
  async addIceCandidate({ candidate, sdpMLineIndex }) {
    this.calls.push([sdpMLineIndex, candidate]);
    if (candidate === 'bad') throw new Error('bad candidate');
  }
  close() {
    this.closed = true;
  }
}

function peer() {
  const heard = [];
  const made = createPeer({
    RTCPeerConnection: FakeConnection,
    iceServers: [],
    onTrack: (...track) => heard.push(track),
    onCandidate: (...candidate) => heard.push(candidate),
    onState: (state) => heard.push(state),
  });
  return { made, heard, connection: FakeConnection.last };
}

test('candidates wait for the offer to be taken, and a bad one stops nothing', async () => {
  const { made, connection } = peer();
  const answer = made.accept('offer');
  made.addCandidate(0, 'bad');
  made.addCandidate(1, 'good');
  await settle();
  assert.deepEqual(connection.calls, []);
  connection.letThrough();
  assert.equal(await answer, 'v=0');
  made.addCandidate(1, 'late');
  await settle();
  assert.deepEqual(connection.calls.filter((call) => call !== 'v=0'), [
    [0, 'bad'],
    [1, 'good'],
    [1, 'late'],
  ]);
});

test('pictures are shown at once; sound keeps the browser’s own buffer', () => {
  const { connection, heard } = peer();
  const give = (kind, receiver) =>
    connection.ontrack({ transceiver: { mid: kind }, track: { kind }, receiver }) ?? receiver;
  assert.deepEqual(give('video', { jitterBufferTarget: null }), { jitterBufferTarget: 0 });
  assert.deepEqual(give('video', { playoutDelayHint: null }), { playoutDelayHint: 0 });
  assert.deepEqual(give('audio', { jitterBufferTarget: null }), { jitterBufferTarget: null });
  assert.deepEqual(heard.map(([mid]) => mid), ['video', 'video', 'audio']);
});

test('own candidates are told with their m-line; nothing is told after the end', () => {
  const { made, connection, heard } = peer();
  connection.onicecandidate({ candidate: { candidate: 'candidate:1', sdpMLineIndex: 2 } });
  connection.onicecandidate({ candidate: null });
  made.close();
  connection.onicecandidate({ candidate: { candidate: 'candidate:2', sdpMLineIndex: 0 } });
  connection.onconnectionstatechange();
  assert.deepEqual(heard, [[2, 'candidate:1']]);
  assert.ok(connection.closed);
});
