// The daemon's data channels in a real browser: asked for by `join`, kept over a restart of ICE, and nothing
// where they are not asked for. Spoken by hand, so that nothing of the page stands between.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [{ name: 'screen', kind: 'test', size: '320x180', tone: false }];
/** What the daemon holds. */
const threads = (pid) => readdirSync(`/proc/${pid}/task`).length;
const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** In the page: joins, and has `window.hand` say and wait. */
async function join({ data, reject }) {
  const socket = new WebSocket(`ws://${location.host}/ws`);
  const peer = new RTCPeerConnection();
  const hand = { channels: {}, offers: 0, frames: 0, peer, socket };
  const until = async (isSo) => {
    const end = performance.now() + 20_000;
    while (!(await isSo())) {
      if (performance.now() > end) throw new Error(`not within 20 s: ${isSo}`);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  };
  const say = (message) => socket.send(JSON.stringify(message));
  peer.ondatachannel = ({ channel }) => {
    channel.addEventListener('open', () => (hand.channels[channel.label] = channel));
  };
  peer.onicecandidate = ({ candidate }) => {
    if (candidate?.candidate) say({ type: 'candidate', mline: candidate.sdpMLineIndex, candidate: candidate.candidate });
  };
  let early = [];
  socket.onmessage = async ({ data: text }) => {
    const message = JSON.parse(text);
    if (message.type === 'welcome') say({ type: 'join', data });
    if (message.type === 'error' || message.type === 'bye') hand.failed = text;
    if (message.type === 'candidate') {
      const candidate = { candidate: message.candidate, sdpMLineIndex: message.mline };
      if (peer.remoteDescription && early === null) await peer.addIceCandidate(candidate);
      else early?.push(candidate);
    }
    if (message.type === 'offer') {
      hand.offer = message.sdp;
      await peer.setRemoteDescription({ type: 'offer', sdp: message.sdp });
      const { sdp } = await peer.createAnswer();
      // A client that knows no data channels.
      await peer.setLocalDescription({ type: 'answer', sdp: reject ? sdp.replace(/m=application \d+/, 'm=application 0') : sdp });
      say({ type: 'answer', sdp: peer.localDescription.sdp });
      for (const candidate of early ?? []) await peer.addIceCandidate(candidate);
      early = null;
      hand.offers += 1;
    }
  };
  await until(() => socket.readyState === WebSocket.OPEN);
  say({ type: 'hello', version: 1, video_codecs: ['H264', 'VP8'] });
  await until(() => peer.connectionState === 'connected' || hand.failed);
  hand.until = until;
  hand.say = say;
  hand.ufrag = () => /a=ice-ufrag:(\S+)/.exec(peer.remoteDescription.sdp)[1];
  hand.decoded = async () => {
    for (const report of (await peer.getStats()).values()) if (report.type === 'inbound-rtp') return report.framesDecoded ?? 0;
    return 0;
  };
  hand.echo = async (text) => {
    const channel = hand.channels.echo;
    const heard = new Promise((resolve) => (channel.onmessage = (event) => resolve(event.data)));
    const begun = performance.now();
    channel.send(text);
    return { heard: await heard, ms: performance.now() - begun };
  };
  if (data && !reject) await until(() => Object.keys(hand.channels).length === 3 || hand.failed);
  await until(async () => (await hand.decoded()) > 5 || hand.failed);
  window.hands = [...(window.hands ?? []), hand];
  window.hand = hand;
  return hand.failed;
}

async function begin(t) {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const browser = await stage.chromium();
  const page = await (await browser.newContext()).newPage();
  // Of the daemon's origin, without the page's own viewer.
  await page.goto(`${daemon.url}/icon.svg`);
  return { daemon, page };
}

test('the_channels_open_echo_comes_back_and_a_restart_of_ice_keeps_them', async (t) => {
  const { page } = await begin(t);
  assert.equal(await page.evaluate(join, { data: true }), undefined);
  const made = await page.evaluate(() => {
    const of = ({ ordered, maxRetransmits, negotiated }) => ({ ordered, maxRetransmits, negotiated });
    return Object.fromEntries(Object.entries(window.hand.channels).map(([label, channel]) => [label, of(channel)]));
  });
  assert.deepEqual(made, {
    room: { ordered: true, maxRetransmits: null, negotiated: false },
    pointer: { ordered: false, maxRetransmits: 0, negotiated: false },
    echo: { ordered: true, maxRetransmits: null, negotiated: false },
  });
  const times = await page.evaluate(async () => {
    const times = [];
    for (let index = 0; index < 20; index += 1) {
      const { heard, ms } = await window.hand.echo(`¿${index}? ${'x'.repeat(1000)}`);
      if (!heard.startsWith(`¿${index}? x`)) throw new Error(heard);
      times.push(ms);
    }
    return times.sort((a, b) => a - b);
  });
  t.diagnostic(`echo: median ${times[10].toFixed(1)} ms`);

  const before = await page.evaluate(() => window.hand.ufrag());
  await page.evaluate(async () => {
    const { hand } = window;
    hand.say({ type: 'restart' });
    await hand.until(() => hand.offers === 2 || hand.failed);
    const decoded = await hand.decoded();
    await hand.until(async () => (await hand.decoded()) > decoded + 10);
  });
  const { after, heard, states, failed } = await page.evaluate(async () => ({
    after: window.hand.ufrag(),
    heard: (await window.hand.echo('still there')).heard,
    states: Object.values(window.hand.channels).map((channel) => channel.readyState),
    failed: window.hand.failed,
  }));
  assert.notEqual(after, before);
  assert.deepEqual([heard, states, failed], ['still there', ['open', 'open', 'open'], undefined]);
});

test('who_rejects_the_channels_or_does_not_ask_has_pictures_all_the_same', async (t) => {
  const { page } = await begin(t);
  assert.equal(await page.evaluate(join, { data: true, reject: true }), undefined);
  assert.deepEqual(await page.evaluate(() => Object.keys(window.hand.channels)), []);
  assert.equal(await page.evaluate(join, { data: false }), undefined);
  assert.equal(await page.evaluate(() => window.hand.offer.includes('m=application')), false);
});

test('what_channels_cost_ends_with_their_viewers', async (t) => {
  const { daemon, page } = await begin(t);
  const figures = {};
  const end = () =>
    page.evaluate(() => {
      for (const { peer, socket } of window.hands.splice(0)) {
        peer.close();
        socket.close();
      }
    });
  // What comes with the first of a process is no viewer's.
  assert.equal(await page.evaluate(join, { data: true }), undefined);
  const [few, little] = [threads(daemon.pid), memory(daemon.pid)];
  for (const data of [false, true]) {
    const before = [threads(daemon.pid), memory(daemon.pid)];
    for (let index = 0; index < 4; index += 1) assert.equal(await page.evaluate(join, { data }), undefined);
    figures[data] = { threads: (threads(daemon.pid) - before[0]) / 4, kB: Math.round((memory(daemon.pid) - before[1]) / 4) };
  }
  t.diagnostic(`a viewer costs, without and with channels: ${JSON.stringify(figures)}; at first ${few} threads, ${little} kB`);
  await end();
  const deadline = Date.now() + 20_000;
  while (threads(daemon.pid) > few) {
    assert.ok(Date.now() < deadline, `${threads(daemon.pid)} threads are left of ${few}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(figures.false.threads < figures.true.threads, 'who does not ask pays nothing');
});
