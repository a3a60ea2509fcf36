// What runs on the hosts of the lab: the daemon, and Chromium with a page.

import { fileURLToPath } from 'node:url';
import { PORT } from './lab.mjs';

const BALL = { name: 'ball', kind: 'test', pattern: 'ball', size: '320x180', tone: false };

/** A page is open to all here: what is tried is the network. */
export function daemonOn(stage, lab, { network = {}, server = {}, source = [BALL] } = {}) {
  return stage.daemon(
    {
      server: { listen: `0.0.0.0:${PORT}`, ...server },
      access: { open: true },
      network,
      source,
    },
    { within: lab.on('capture') },
  );
}

/** As a person's own: it hides its addresses (mDNS), and looks at the network by itself. */
export function chromiumOn(stage) {
  const executablePath = fileURLToPath(new URL('../viewer-chromium', import.meta.url));
  return stage.chromium({ executablePath, flags: [] });
}

/** A page at that address, with its pictures coming, and noted from now on. */
export async function watch(stage, browser, host, options) {
  const viewer = await stage.viewer(browser, `https://${host}:${PORT}`, options);
  await viewer.connection();
  await viewer.follow('ball');
  await viewer.assertMoves('ball', { frames: 10 });
  return viewer;
}

/** The TURN server that the page's connection has now, with its login. */
export function login(viewer) {
  return viewer.page.evaluate(() => {
    const peer = window.vitrinaTest.peers.find(({ connectionState }) => connectionState === 'connected');
    return peer.getConfiguration().iceServers[0];
  });
}

/** When a login expires, in ms. */
export function expiry({ username }) {
  return Number(username.split(':')[0]) * 1000;
}
