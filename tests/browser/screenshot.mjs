// Draws the README's screenshot: the page over a running daemon, with two displays on which
// something is to be seen. usage: node screenshot.mjs FILE

import { chromium } from 'playwright-core';
import { CHROMIUM } from './support/paths.mjs';
import { OPEN, Stage } from './support/stage.mjs';

const [file] = process.argv.slice(2);
const stage = new Stage({ after() {} });

/** A display with nothing on it but a page of `scenes/`. */
async function scene(name) {
  const { display } = await stage.display();
  const url = new URL(`./scenes/${name}.html`, import.meta.url).href;
  const browser = await chromium.launchPersistentContext(stage.folder(), {
    executablePath: CHROMIUM,
    headless: false,
    viewport: null,
    env: { ...process.env, DISPLAY: display },
    args: ['--no-sandbox', '--disable-gpu', '--kiosk', '--window-position=0,0', '--window-size=1280,720', `--app=${url}`],
  });
  stage.after(() => browser.close());
  return display;
}

try {
  const [desk, camera] = await Promise.all([scene('desk'), scene('camera')]);
  const daemon = await stage.daemon({
    ...OPEN,
    server: { ...OPEN.server, title: 'Workshop' },
    video: { bitrate_kbps: 8000 },
    source: [
      { name: 'screen', title: 'Screen', kind: 'screen', display: desk, cursor: false },
      { name: 'camera', title: 'Roof camera', kind: 'screen', display: camera, cursor: false },
    ],
  });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, {
    viewport: { width: 1440, height: 500 },
    colorScheme: 'dark',
  });
  await viewer.connection();
  // Long enough for the encoder to have drawn every detail.
  await viewer.picture('screen', 90);
  await viewer.picture('camera');
  // A pointer that moves brings the names and the buttons out.
  await viewer.page.mouse.move(700, 30);
  await viewer.picture('screen', 20);
  await viewer.page.screenshot({ path: file });
} finally {
  await stage.end();
}
