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

  // With the last viewer who needs it, VP8 goes; H.264 and its viewer feel nothing of it.
  const from = daemon.program.lines.length;
  await viewer.close();
  for (const name of ['screen', 'camera']) {
    await daemon.program.line(new RegExp(`encoder has stopped rendition=${name}/Vp8`), { from });
    await chromium.assertMoves(name);
  }
  assert.deepEqual(daemon.program.lines.filter((line) => line.includes('encoder has stopped') && line.includes('H264')), []);
});
