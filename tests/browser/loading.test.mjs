// The page's parts: one that does not come is not the end.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCE = { name: 'screen', kind: 'test', pattern: 'smpte', size: '320x180', tone: false };

test('a_page_asks_until_the_daemon_answers_before_it_loads_again', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: [SOURCE] });
  const browser = await stage.chromium();
  let isAway = false;
  let asked = 0;
  const viewer = await stage.viewer(browser, daemon.url, {
    expect: [/net::ERR_/],
    before: async (page) => {
      await page.route('**/net/session.js', async (route) => {
        if (asked > 0) return route.fallback();
        isAway = true;
        return route.abort('connectionreset');
      });
      await page.route('**/api/session', async (route) => {
        if (!isAway) return route.fallback();
        asked += 1;
        isAway = asked < 2;
        return route.abort('internetdisconnected');
      });
    },
  });
  await viewer.connection();
  assert.equal(asked, 2);
});
