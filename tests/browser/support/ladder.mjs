// A page that is told of a ladder by a stand-in, which keeps the daemon's own words about it from the page.

import { Between } from './between.mjs';
import { OPEN, Stage } from './stage.mjs';

const SOURCES = [
  { name: 'screen', title: 'The screen', kind: 'test', pattern: 'smpte', size: '640x360', tone: false },
  { name: 'camera', title: 'The camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];
export const RUNGS = [
  { width: 1280, height: 720, framerate: 30, bitrate_kbps: 2500 },
  { width: 1280, height: 720, framerate: 5, bitrate_kbps: 750 },
  { width: 640, height: 360, framerate: 15, bitrate_kbps: 250 },
];
export const rendition = (more = {}) => ({
  type: 'rendition',
  source: 'screen',
  automatic: true,
  rung: 0,
  too_slow: false,
  rungs: RUNGS,
  ...more,
});

/** A page, what stands between it and the daemon, and the parts of its first picture. */
export async function open(t) {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const between = new Between(['choose', 'rendition']);
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { before: between.join });
  await viewer.connection();
  await viewer.picture('screen');
  const tile = viewer.page.locator('[data-testid="tile"][data-source="screen"]');
  const menu = viewer.page.locator('[data-testid="quality-menu"][data-source="screen"]');
  return { viewer, between, tile, menu, button: tile.getByTestId('tile-quality') };
}
