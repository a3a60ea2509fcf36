// The page's parts: one of each kind that does not come is not the end.

import test from 'node:test';
import { OPEN, Stage } from '../support/stage.mjs';

const SOURCE = { name: 'screen', kind: 'test', pattern: 'smpte', size: '320x180', tone: false };

for (const part of ['net/session.js', 'app.js', 'menus.css']) {
  test(`a_page_comes_although_the_network_lost_its_${part.replace(/\W/g, '_')}`, async (t) => {
    const stage = new Stage(t);
    const daemon = await stage.daemon({ ...OPEN, source: [SOURCE] });
    const browser = await stage.chromium();
    let lost = 0;
    let got;
    const come = new Promise((resolve) => (got = resolve));
    const viewer = await stage.viewer(browser, daemon.url, {
      expect: [/net::ERR_CONNECTION_RESET/],
      before: async (page) => {
        await page.route(`**/${part}`, async (route) => {
          if (lost === 2) {
            got();
            return route.fallback();
          }
          lost += 1;
          return route.abort('connectionreset');
        });
      },
    });
    await come;
    await viewer.connection();
    await viewer.picture('screen');
    await viewer.page.waitForFunction(() => sessionStorage.getItem('vitrina.reloads') === null);
  });
}
