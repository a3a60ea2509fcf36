// How the page looks: at the sizes of a desk and a phone, light and dark. The pictures are for a
// person, in tests/out/screenshots; what a program can see is asserted.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from '../support/between.mjs';
import { look, settled, SIZES } from '../support/looks.mjs';
import { OPEN, Stage } from '../support/stage.mjs';

const SOURCES = [
  { name: 'screen', title: 'Screen', kind: 'test', pattern: 'smpte', size: '1280x720' },
  { name: 'camera', title: 'Camera', kind: 'test', pattern: 'ball', size: '640x360', tone: false },
];

const LADDER = {
  type: 'rendition',
  source: 'screen',
  automatic: true,
  rung: 0,
  too_slow: false,
  rungs: [
    { width: 1280, height: 720, framerate: 30, bitrate_kbps: 2500 },
    { width: 1280, height: 720, framerate: 5, bitrate_kbps: 750 },
    { width: 640, height: 360, framerate: 15, bitrate_kbps: 250 },
  ],
};

const VIEWERS = {
  type: 'viewers',
  viewers: [
    {
      viewer: 1001,
      name: 'anna',
      by: 'page',
      since_ms: Date.now() - 720_000,
      from: '192.168.100.x',
      connected: true,
      watching: SOURCES.map(({ name }, rung) => ({ source: name, rung, rendition: LADDER.rungs[rung] })),
      link: { sent_kbps: 2741, loss: 0.034, rtt_ms: 182.4 },
    },
    { viewer: 1002, by: 'whep', since_ms: Date.now() - 1e8, from: '2001:db8:1:2::', connected: false, watching: [] },
  ],
};
const INVITATIONS = {
  type: 'invitations',
  invitations: [{ invitation: 'k3x9', name: 'Ana', role: 'viewer', sources: ['camera'], expires_ms: Date.now() + 36e5, uses: 5, used: 1 }],
};
const INVITED = {
  type: 'invitation',
  link: `https://192.0.2.10:8443/#invite=${'x'.repeat(43)}`,
  qr: Array.from({ length: 33 }, (_, row) => '10'.repeat(17).slice(row % 2, 33 + (row % 2))),
};

/** A browser that plays sound only after a click: a driver’s commands count as one. */
function blockSound() {
  const { play } = HTMLMediaElement.prototype;
  let clicked = false;
  addEventListener('click', () => (clicked = true), true);
  HTMLMediaElement.prototype.play = function () {
    if (this.tagName === 'VIDEO' || clicked) return play.call(this);
    return Promise.reject(new DOMException('not without a click', 'NotAllowedError'));
  };
}

/** What the button for sound lies on, beside the room itself. */
function underUnblock() {
  const box = (element) => element.getBoundingClientRect();
  const button = box(document.querySelector('[data-testid="sound-unblock"]'));
  const others = [...document.querySelectorAll('[data-testid="tile"]:not([hidden]), .bar, .tools')];
  return others
    .filter((other) => {
      const { left, right, top, bottom } = box(other);
      return left < button.right && right > button.left && top < button.bottom && bottom > button.top;
    })
    .map((other) => other.dataset.source ?? other.className);
}

/** The way in by name, and what an admin sees, with a daemon that says so. */
async function admins({ stage, browser, url, options, shot }) {
  let entry = { access: 'token', accounts: true, authorized: false };
  const between = new Between(['watch_viewers', 'invitations', 'invite', 'pause', 'resume', 'end_viewer', 'revoke']);
  const viewer = await stage.viewer(browser, url, {
    ...options,
    before: async (page) => {
      await page.route('**/api/session', (route) => route.fulfill({ json: entry }));
      await between.join(page);
    },
  });
  const look = (what) => shot(viewer, what);
  await viewer.connection('signed-out');
  await look('sign-in-by-name');
  entry = { access: 'token', accounts: true, authorized: true, name: 'anna', role: 'admin' };
  await viewer.part('signin-name').fill('anna');
  await viewer.part('signin-secret').fill('secret');
  await viewer.page.keyboard.press('Enter');
  await viewer.connection();
  await viewer.part('more').click();
  await look('menu-of-an-admin');
  await viewer.part('admin-open').click();
  await between.said('watch_viewers', 1);
  between.say(VIEWERS);
  between.say(INVITATIONS);
  await viewer.part('viewer').first().waitFor();
  await look('admin-viewers');
  await viewer.page.keyboard.press('ArrowRight');
  await viewer.part('pause-switch').first().waitFor();
  between.say({ type: 'source', name: 'camera', state: 'paused', by: 'machine' });
  await look('admin-sources');
  await viewer.page.keyboard.press('ArrowRight');
  await viewer.part('invite-make').click();
  await between.said('invite', 1);
  between.say(INVITED);
  await viewer.part('invite-code').waitFor();
  await look('admin-invitations');
  await viewer.close();
}

for (const { name: size, ...screen } of SIZES) {
  test(`the_page_looks_right_on_a_${size}`, async (t) => {
    const stage = new Stage(t);
    const daemon = await stage.daemon({ ...OPEN, server: { ...OPEN.server, title: 'Workshop' }, source: SOURCES });
    const closed = await stage.daemon({ ...OPEN, access: { password: 'correct horse' }, source: SOURCES });
    const browser = await stage.chromium();
    for (const colorScheme of ['light', 'dark']) {
      const viewer = await stage.viewer(browser, daemon.url, { ...screen, colorScheme });
      await viewer.connection();
      for (const { name } of SOURCES) await viewer.picture(name, 5);
      const shot = (what) => look(viewer, `${size}-${colorScheme}-${what}`);
      await shot('watching');
      await viewer.page.keyboard.press('b');
      await viewer.page.waitForSelector('[data-testid="tile"][data-role="small"]');
      await shot('focus');
      await viewer.page.keyboard.press('i');
      await viewer.page.waitForFunction(() => /\d/.test(document.querySelector('[data-stat="bitrate"] dd span')?.textContent ?? ''));
      await shot('statistics');
      await viewer.page.keyboard.press('i');
      await viewer.page.keyboard.press('?');
      await viewer.part('help').waitFor({ state: 'visible' });
      await shot('help');
      await viewer.part('help-close').click();
      await viewer.part('more').click();
      await shot('menu');
      await viewer.part('check-open').click();
      await viewer.page.waitForSelector('[data-testid="check"][data-running="false"] [data-testid="check-line"]');
      await shot('check');
      await viewer.close();

      const between = new Between(['choose', 'rendition']);
      const slowed = await stage.viewer(browser, daemon.url, {
        ...screen,
        colorScheme,
        before: async (page) => {
          await page.addInitScript(blockSound);
          await between.join(page);
        },
      });
      const slowShot = (what) => look(slowed, `${size}-${colorScheme}-${what}`);
      await slowed.connection();
      for (const { name } of SOURCES) await slowed.picture(name, 5);
      for (const layout of ['g', 'b', 'o']) {
        await slowed.page.keyboard.press(layout);
        await slowed.part('sound-unblock').waitFor({ state: 'visible' });
        await settled(slowed);
        assert.deepEqual(await slowed.page.evaluate(underUnblock), [], `under the button for sound in layout ${layout}`);
        if (layout === 'b') await slowShot('sound-blocked');
      }
      await slowed.part('sound-unblock').click();
      await slowed.page.keyboard.press('b');
      between.say(LADDER);
      const tile = slowed.page.locator('[data-testid="tile"][data-source="screen"]');
      if (!screen.isMobile) await tile.hover();
      await tile.getByTestId('tile-quality').click();
      await slowed.part('quality-0').waitFor({ state: 'visible' });
      await slowShot('quality');
      await slowed.page.keyboard.press('Escape');
      for (const source of ['screen', 'camera']) between.say({ ...LADDER, source, rung: 2 });
      await tile.getByTestId('reduced').waitFor({ state: 'visible' });
      await slowShot('reduced');
      for (const source of ['screen', 'camera']) between.say({ ...LADDER, source, rung: 2, too_slow: true });
      await tile.getByTestId('too-slow').waitFor({ state: 'visible' });
      await slowShot('too-slow');
      await slowed.page.keyboard.press('i');
      await tile.locator('[data-stat="bitrate"] dd span').filter({ hasText: /\d/ }).waitFor({ state: 'attached' });
      await slowShot('too-slow-statistics');
      await slowed.close();

      if ((size === 'phone') === (colorScheme === 'light')) {
        const options = { ...screen, colorScheme, locale: size === 'phone' ? 'es-ES' : 'en-GB' };
        const shot = (who, what) => look(who, `${size}-${colorScheme}-${what}`);
        await admins({ stage, browser, url: daemon.url, options, shot });
      }

      const stranger = await stage.viewer(browser, closed.url, { ...screen, colorScheme });
      await stranger.connection('signed-out');
      await look(stranger, `${size}-${colorScheme}-sign-in`);
      await stranger.close();
    }
  });
}
