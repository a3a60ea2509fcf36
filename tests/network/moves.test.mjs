// What changes while somebody watches: an address, the network, the daemon. The page is not loaded
// again, and the picture is back within three seconds.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Stage } from '../browser/support/stage.mjs';
import { chromiumOn, daemonOn, expiry, login, watch } from './support/hosts.mjs';
import { coturn, Lab, onlyRelayed } from './support/lab.mjs';

/** How long the picture may be away, in ms. */
const AWAY_MS = Number(process.env.VITRINA_AWAY_MS ?? 3000);
/** What Chromium says of connections that were cut. */
const CUT = [/net::ERR_|WebSocket connection to/];

const lab = new Lab();
const house = new Stage({ after });
const browser = chromiumOn(house);

/** Does something to the network or the daemon, and waits for the picture to be back. */
async function away(t, viewer, change) {
  // In mid-session: the page knows by then how often pictures come.
  await viewer.picture('ball', 60);
  const since = Date.now();
  await change();
  const ms = await viewer.outage('ball', since);
  t.diagnostic(`the picture was away for ${ms} ms`);
  assert.ok(ms > 200, 'it was for nothing: the picture came all the time');
  assert.ok(ms < AWAY_MS, `the picture was away for ${ms} ms`);
  const [{ type }] = await viewer.page.evaluate(() => performance.getEntriesByType('navigation'));
  assert.equal(type, 'navigate', 'the page was not loaded again');
  return ms;
}

test('the_viewer_s_address_changes', async (t) => {
  const stage = new Stage(t);
  await daemonOn(stage, lab);
  const viewer = await watch(stage, await browser, lab.capture, { expect: CUT });
  await away(t, viewer, () => lab.move('viewer', '192.0.2.77'));
});

test('the_viewer_s_address_changes_and_its_login_to_the_turn_server_has_expired', async (t) => {
  const stage = new Stage(t);
  onlyRelayed(lab);
  stage.after(() => lab.rules(''));
  await coturn(stage, lab, { secret: 'north' });
  const server = { urls: [`turn:${lab.turn}:3478?transport=udp`], secret: 'north', lifetime_s: 5 };
  await daemonOn(stage, lab, { network: { tcp: false, ice_server: [server] } });
  const viewer = await watch(stage, await browser, lab.capture, { expect: CUT });
  await viewer.page.waitForFunction((at) => Date.now() > at, expiry(await login(viewer)) + 1000);
  await away(t, viewer, () => lab.move('viewer', '192.0.2.78'));
  const { local } = await viewer.route();
  assert.equal(local.candidateType, 'relay');
});

test('the_daemon_s_address_changes', async (t) => {
  const stage = new Stage(t);
  lab.name('capture.test', lab.capture);
  await daemonOn(stage, lab, { server: { public_url: 'https://capture.test:8443' } });
  const viewer = await watch(stage, await browser, 'capture.test', { expect: CUT });
  await away(t, viewer, () => {
    lab.move('capture', '10.1.0.3');
    lab.name('capture.test', lab.capture);
  });
  assert.equal((await viewer.route()).remote.protocol, 'udp');
});

test('the_daemon_is_started_again', async (t) => {
  const stage = new Stage(t);
  const daemon = await daemonOn(stage, lab);
  const viewer = await watch(stage, await browser, lab.capture, { expect: CUT });
  await away(t, viewer, async () => {
    await daemon.stop();
    await daemon.start();
  });
});
