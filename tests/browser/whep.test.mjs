// WHEP from a plain page: RTCPeerConnection and fetch, no script of the daemon's own.

import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [
  { name: 'screen', kind: 'test', pattern: 'smpte', size: '640x360' },
  { name: 'camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];

/** In the page: watches by WHEP until every picture has moved on by `frames`. */
async function watch({ url, video, audio, frames, trickle }) {
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const pictures = [];
  let sounds = 0;
  peer.ontrack = ({ track, streams }) => {
    if (track.kind === 'audio') {
      sounds += 1;
      return;
    }
    const element = document.createElement('video');
    Object.assign(element, { muted: true, autoplay: true, srcObject: new MediaStream([track]) });
    pictures.push({ element, stream: streams[0].id });
    document.body.append(element);
  };
  for (let i = 0; i < video; i += 1) peer.addTransceiver('video', { direction: 'recvonly' });
  for (let i = 0; i < audio; i += 1) peer.addTransceiver('audio', { direction: 'recvonly' });
  const candidates = [];
  peer.onicecandidate = ({ candidate }) => candidate?.candidate && candidates.push(candidate.candidate);
  await peer.setLocalDescription();
  if (!trickle) {
    while (peer.iceGatheringState !== 'complete') await new Promise((done) => setTimeout(done, 10));
  }
  const offer = peer.localDescription.sdp;
  const said = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer });
  const answer = await said.text();
  if (said.status !== 201) return { status: said.status, answer };
  const session = new URL(said.headers.get('Location'), said.url).href;
  await peer.setRemoteDescription({ type: 'answer', sdp: answer });
  let patched;
  if (trickle) {
    while (peer.iceGatheringState !== 'complete') await new Promise((done) => setTimeout(done, 10));
    const line = (name) => offer.match(new RegExp(`^a=${name}:.*$`, 'm'))[0].trim();
    const fragment = [line('ice-ufrag'), line('ice-pwd'), 'm=video 9 UDP/TLS/RTP/SAVPF 0', line('mid')];
    fragment.push(...candidates.map((candidate) => `a=${candidate}`), 'a=end-of-candidates', '');
    const headers = { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': said.headers.get('ETag') };
    patched = (await fetch(session, { method: 'PATCH', headers, body: fragment.join('\r\n') })).status;
  }
  const decoded = ({ element }) => element.getVideoPlaybackQuality().totalVideoFrames >= frames;
  const end = performance.now() + 20_000;
  while (!pictures.every(decoded) && performance.now() < end) await new Promise((done) => setTimeout(done, 20));
  const inbound = [...(await peer.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  globalThis.peer = peer;
  return {
    status: said.status,
    answer,
    session,
    patched,
    sounds,
    heard: inbound.filter(({ kind }) => kind === 'audio').every(({ packetsReceived }) => packetsReceived > 0),
    pictures: pictures.map(({ element, stream }) => ({
      stream,
      size: [element.videoWidth, element.videoHeight],
      moves: decoded({ element }),
    })),
  };
}

/** In the page: how a request ends. */
async function ask({ url, method }) {
  return (await fetch(url, { method })).status;
}

/** A page of the daemon's own address in which nothing runs. */
async function blank(stage, url) {
  const context = await (await stage.chromium()).newContext();
  const page = await context.newPage();
  await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><body></body>' }));
  await page.goto(url);
  return page;
}

test('a_plain_page_watches_every_source_and_one_and_leaves', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, log: { level: 'info,vitrina=debug' }, source: SOURCES });
  const page = await blank(stage, `${daemon.url}/blank`);
  const all = await page.evaluate(watch, { url: `${daemon.url}/whep`, video: 2, audio: 1, frames: 30 });
  assert.equal(all.status, 201, all.answer);
  assert.deepEqual(all.pictures, [
    { stream: 'screen-video', size: [640, 360], moves: true },
    { stream: 'camera-video', size: [320, 180], moves: true },
  ]);
  assert.deepEqual([all.sounds, all.heard], [1, true]);
  assert.match(all.answer, /a=rtpmap:\d+ H264\/90000/);

  const one = await page.evaluate(watch, { url: `${daemon.url}/whep/camera`, video: 1, audio: 1, frames: 30, trickle: true });
  assert.equal(one.patched, 204);
  assert.deepEqual(one.pictures, [{ stream: 'camera-video', size: [320, 180], moves: true }]);
  assert.match(one.answer, /m=audio 0 /, 'a camera has no sound');

  for (const { session } of [all, one]) {
    assert.equal(await page.evaluate(ask, { url: session, method: 'DELETE' }), 200);
    assert.equal(await page.evaluate(ask, { url: session, method: 'DELETE' }), 404, 'it has ended');
  }
  await daemon.program.line(/viewer left.*viewers=0/);
  await page.waitForFunction(() => globalThis.peer.connectionState !== 'connected');
});

test('pages_of_other_sites_are_let_in_where_the_configuration_says_so', async (t) => {
  const stage = new Stage(t);
  const site = http.createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html><body></body>'));
  await new Promise((done) => site.listen(0, '127.0.0.1', done));
  stage.after(() => new Promise((done) => site.close(done)));
  const origin = `http://127.0.0.1:${site.address().port}`;
  const browser = await stage.chromium();
  const foreign = async (server) => {
    const daemon = await stage.daemon({ ...OPEN, server: { ...OPEN.server, ...server }, source: SOURCES });
    const page = await (await browser.newContext()).newPage();
    await page.goto(origin);
    const question = { url: `${daemon.url}/whep/camera`, video: 1, audio: 0, frames: 10, trickle: true };
    const seen = await page.evaluate(watch, question).catch((error) => ({ error: String(error) }));
    if (seen.session) assert.equal(await page.evaluate(ask, { url: seen.session, method: 'DELETE' }), 200);
    await page.close();
    return seen;
  };
  assert.match((await foreign({})).error, /Failed to fetch/);
  assert.match((await foreign({ whep_origins: ['https://www.example.org'] })).error, /Failed to fetch/);
  for (const origins of [[origin], ['*']]) {
    const seen = await foreign({ whep_origins: origins });
    assert.equal(seen.patched, 204, JSON.stringify(seen));
    assert.deepEqual(seen.pictures.map(({ moves }) => moves), [true]);
  }
});
