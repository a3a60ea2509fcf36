// Where WebRTC cannot pass: UDP is blocked, and the daemon has no other way. The page goes on by pictures
// over its WebSocket within five seconds, by itself, and back to WebRTC when UDP passes again.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Stage } from '../browser/support/stage.mjs';
import { chromiumOn, daemonOn } from './support/hosts.mjs';
import { Lab, noUdp, PORT } from './support/lab.mjs';

/** How long a picture may be away, in ms. */
const AWAY_MS = Number(process.env.VITRINA_AWAY_MS ?? 5000);
/** The page's attempts at WebRTC are this far apart at most, in ms. */
const RETURNS_MS = 70_000;

const lab = new Lab();
const house = new Stage({ after });
const browser = chromiumOn(house);

const SOURCES = [{ name: 'ball', kind: 'test', pattern: 'ball', size: '640x360', tone: true }];

/** Keeps account, in the page, of what its decoders of sound give and of what is drawn on its canvas. */
function account() {
  const { AudioDecoder } = globalThis;
  const counts = { offeredAt: null, sounds: 0, drawn: 0, drawnAt: [], loudest: 0 };
  globalThis.byWebSocket = counts;
  globalThis.AudioDecoder = class extends AudioDecoder {
    constructor({ output, error }) {
      super({
        error,
        output(audio) {
          const samples = new Float32Array(audio.numberOfFrames);
          audio.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
          counts.sounds += 1;
          counts.loudest = Math.max(counts.loudest, ...samples.map(Math.abs));
          output(audio);
        },
      });
    }
  };
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function (...how) {
    counts.offeredAt ??= Date.now();
    return setRemoteDescription.apply(this, how);
  };
  const { drawImage } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.drawImage = function (...how) {
    if (this.canvas.dataset.testid === 'picture') {
      counts.drawn += 1;
      counts.drawnAt.push(Date.now());
    }
    return drawImage.apply(this, how);
  };
}

async function open(stage) {
  await daemonOn(stage, lab, { network: { tcp: false }, source: SOURCES });
  const viewer = await stage.viewer(await browser, `https://${lab.capture}:${PORT}`, { before: (page) => page.addInitScript(account) });
  await viewer.connection('connected');
  return viewer;
}

const media = (viewer, state, ms = 30_000) =>
  viewer.page.waitForSelector(`html[data-media="${state}"]`, { state: 'attached', timeout: ms });

/** Waits until the canvas has been drawn so many times more, and something on it has moved. */
async function drawn(viewer, times) {
  const moved = await viewer.page.evaluate(async (more) => {
    const canvas = document.querySelector('canvas[data-source="ball"]');
    const { shrink, changed } = window.vitrinaTest;
    const goal = window.byWebSocket.drawn + more;
    let [first, most] = [null, 0];
    while (window.byWebSocket.drawn < goal || most === 0) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      if (canvas.hidden) continue;
      const now = shrink(canvas);
      first ??= now;
      most = Math.max(most, changed(first, now));
    }
    return most;
  }, times);
  assert.ok(moved >= 5, `the pictures stand still: ${moved} of 2304 pixels changed`);
}

/** Waits until the video is what is seen, and moves. */
async function back(viewer, ms) {
  await media(viewer, 'webrtc', ms);
  await viewer.page.waitForSelector('[data-testid="tile"][data-by="video"][data-playing="true"]', { state: 'attached' });
  await viewer.assertMoves('ball', { frames: 10 });
  assert.equal(await viewer.page.evaluate(() => performance.getEntriesByType('navigation')[0].type), 'navigate');
  const { remote } = await viewer.route();
  assert.equal(remote.protocol, 'udp');
}

test('blocked_from_the_start_the_page_goes_on_by_pictures_and_back_when_udp_passes', async (t) => {
  const stage = new Stage(t);
  noUdp(lab);
  stage.after(() => lab.rules(''));
  const viewer = await open(stage);
  await media(viewer, 'pictures');
  await drawn(viewer, 10);
  const ms = await viewer.page.evaluate(() => window.byWebSocket.drawnAt[0] - window.byWebSocket.offeredAt);
  t.diagnostic(`the first picture came ${ms} ms after the offer`);
  assert.ok(ms < AWAY_MS, `the first picture came ${ms} ms after the offer`);
  assert.match(await viewer.part('byway').innerText(), /WebRTC is blocked here/);
  await viewer.part('pictures-check').waitFor();

  await viewer.turnOnSound();
  await viewer.page.waitForFunction(() => window.byWebSocket.sounds > 100 && window.byWebSocket.loudest > 0.01);

  lab.rules('');
  await back(viewer, RETURNS_MS);
  assert.ok(await viewer.part('byway').isHidden());
  const before = await viewer.page.evaluate(() => window.byWebSocket.drawn);
  await viewer.picture('ball', 60);
  assert.ok((await viewer.page.evaluate(() => window.byWebSocket.drawn)) - before < 30, 'no pictures come any more');
});

test('cut_in_mid_session_the_page_goes_on_by_pictures_and_back', async (t) => {
  const stage = new Stage(t);
  const viewer = await open(stage);
  // In mid-session: the page knows by then how often pictures come.
  await viewer.picture('ball', 60);
  stage.after(() => lab.rules(''));
  const since = Date.now();
  noUdp(lab);
  await media(viewer, 'pictures');
  await drawn(viewer, 10);
  const ms = (await viewer.page.evaluate(() => window.byWebSocket.drawnAt[0])) - since;
  t.diagnostic(`the first picture came ${ms} ms after the cut`);
  assert.ok(ms < AWAY_MS, `the first picture came ${ms} ms after the cut`);
  // The connection is given up, and what is tried beside the pictures does not touch them.
  await viewer.page.waitForFunction(() => /again in/.test(document.querySelector('[data-testid="byway"]').textContent), null, { timeout: 60_000 });
  const gaps = await viewer.page.evaluate(() => window.byWebSocket.drawnAt.slice(1).map((at, index) => at - window.byWebSocket.drawnAt[index]));
  assert.ok(Math.max(...gaps) < 1500, `the pictures paused for ${Math.max(...gaps)} ms`);
  assert.match(await viewer.part('byway').innerText(), /broke/);
  lab.rules('');
  await viewer.part('pictures-try').click();
  await back(viewer, 20_000);
});
