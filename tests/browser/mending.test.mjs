// The network changes under a page that watches. What really happens to packets is in tests/network; here
// it is what a browser makes of the page's decisions.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from './support/between.mjs';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [{ name: 'screen', kind: 'test', pattern: 'ball', size: '320x180', tone: false }];

/** Notes each state that the page's connection goes through from now on. */
const noteStates = (viewer) =>
  viewer.page.evaluate(() => {
    window.states = [];
    const note = () => window.states.push(document.documentElement.dataset.connection);
    new MutationObserver(note).observe(document.documentElement, { attributeFilter: ['data-connection'] });
  });
const statesOf = (viewer) => viewer.page.evaluate(() => window.states);

test('ice_is_restarted_on_the_same_connection_when_the_network_is_another', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const between = new Between();
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { before: between.join });
  await viewer.connection();
  await viewer.picture('screen');
  await noteStates(viewer);
  await viewer.page.evaluate(() => dispatchEvent(new Event('online')));
  await between.said('restart', 1);
  await between.said('answer', 2);
  const ufrags = between.of('answer').map(({ sdp }) => /^a=ice-ufrag:(.+)$/m.exec(sdp)[1].trim());
  assert.notEqual(ufrags[0], ufrags[1]);
  const offers = between.told.filter(({ type }) => type === 'offer');
  assert.deepEqual(offers.map(({ tracks }) => tracks), [offers[0].tracks, offers[0].tracks]);
  // The path that is used now was found with the new credentials.
  await viewer.page.waitForFunction(async () => {
    const all = [...(await window.vitrinaTest.stats())];
    const transport = all.find(({ type }) => type === 'transport');
    return transport?.iceState === 'connected' && transport.selectedCandidatePairChanges > 1;
  });
  await viewer.assertMoves('screen');
  assert.deepEqual(await statesOf(viewer), [], 'nobody has seen anything of it');
  assert.equal(between.of('hello').length, 1);
});

test('a_connection_that_carries_nothing_any_more_is_replaced_within_seconds', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: SOURCES });
  const between = new Between();
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { before: between.join });
  await viewer.connection();
  await viewer.picture('screen');
  // Without media there is only the WebSocket to tell whether the daemon is there.
  await viewer.page.keyboard.press('Shift+Digit1');
  await between.said('select', 1);
  between.cut();
  await between.said('hello', 2);
  await viewer.connection('connected');
  await viewer.page.keyboard.press('Shift+Digit1');
  await viewer.assertMoves('screen');
});
