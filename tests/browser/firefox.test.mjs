// A stock Firefox, which has no H.264 until it has downloaded one: the daemon encodes VP8 for it,
// as long as it is there.

import assert from 'node:assert/strict';
import test from 'node:test';
import { launchFirefox, FirefoxViewer } from './support/firefox.mjs';
import { OPEN, Stage } from './support/stage.mjs';

test('firefox_plays_vp8_beside_chromium_with_h264', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({
    ...OPEN,
    log: { level: 'info,vitrina=debug' },
    video: { grace_s: 1 },
    source: [
      { name: 'screen', kind: 'test', pattern: 'smpte', size: '640x360' },
      { name: 'camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
    ],
  });
  const chromium = await stage.viewer(await stage.chromium(), daemon.url);
  await chromium.connection();
  await chromium.assertMoves('screen');

  const firefox = await launchFirefox(stage);
  const viewer = await FirefoxViewer.open(stage, firefox, daemon.url);
  await viewer.connection();
  for (const name of ['screen', 'camera']) {
    await viewer.assertMoves(name);
    await chromium.assertMoves(name);
  }
  const codecs = async (who, kind) => [...new Set((await who.inbound(kind)).map(({ codec }) => codec.toLowerCase()))];
  assert.deepEqual(await codecs(viewer, 'video'), ['video/vp8']);
  assert.deepEqual(await codecs(viewer, 'audio'), ['audio/opus']);
  assert.deepEqual(await codecs(chromium, 'video'), ['video/h264']);

  await restartsIce(viewer);
  for (const name of ['screen', 'camera']) await viewer.assertMoves(name);

  // With the last viewer who needs it, VP8 goes; H.264 and its viewer feel nothing of it.
  const from = daemon.program.lines.length;
  await viewer.close();
  for (const name of ['screen', 'camera']) {
    await daemon.program.line(new RegExp(`encoder has stopped rendition=${name}/Vp8`), { from });
    await chromium.assertMoves(name);
  }
  assert.deepEqual(daemon.program.lines.filter((line) => line.includes('encoder has stopped') && line.includes('H264')), []);
});

/** Has the page believe that the network is another: it restarts ICE on the connection that it has. */
async function restartsIce(viewer) {
  const agreed = () =>
    viewer.page.evaluate(() => {
      const standing = window.vitrinaTest.peers.filter(({ connectionState }) => connectionState === 'connected');
      const ufrag = ({ sdp }) => /^a=ice-ufrag:(\S+)/m.exec(sdp)[1];
      return standing.map(({ currentLocalDescription: own, currentRemoteDescription: its }) => [ufrag(own), ufrag(its)]);
    });
  const before = await agreed();
  assert.equal(before.length, 1);
  await viewer.page.evaluate(() => dispatchEvent(new Event('online')));
  const other = ([own, its]) =>
    window.vitrinaTest.peers.some(({ connectionState, iceConnectionState, currentLocalDescription, currentRemoteDescription }) => {
      const fresh = (description, ufrag) => description !== null && !description.sdp.includes(`a=ice-ufrag:${ufrag}`);
      const stands = connectionState === 'connected' && ['connected', 'completed'].includes(iceConnectionState);
      return stands && fresh(currentLocalDescription, own) && fresh(currentRemoteDescription, its);
    });
  await viewer.page.waitForFunction(other, { timeout: 10_000 }, before[0]);
  assert.equal((await agreed()).length, 1, 'it is the same connection');
}
