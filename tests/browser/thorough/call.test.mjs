// More of what happens in calls.

import assert from 'node:assert/strict';
import test from 'node:test';
import { hostname } from 'node:os';
import { ASKING, Caller, DEVICES, throughRelaysAlone } from '../support/caller.mjs';
import { daemonWith, meeting, PAIRS, ROOMS, together } from '../support/calling.mjs';
import { Stage } from '../support/stage.mjs';

test('a_screen_is_shared_large_and_with_its_own_tile', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'screen' });
  const [ana, ben] = people;
  for (const each of people) await each.join();
  await together(people);
  // Chromium's fake device stands for the screen: there is none to choose in a test.
  await ben.part('call-share').click();
  await ana.tile('Ben', { camera: true }, { what: 'screen' });
  await ana.moves('Ben', 'screen');
  await ana.page.waitForFunction(() => {
    const area = (tile) => tile.getBoundingClientRect().width * tile.getBoundingClientRect().height;
    return area(window.vitrinaCall.tileOf('Ben', 'screen')) > 4 * area(window.vitrinaCall.tileOf('Ben'));
  });
  await ana.moves('Ben');
  await ben.part('call-share').click();
  await ana.page.waitForFunction(() => window.vitrinaCall.tileOf('Ben', 'screen') === null);
  await ana.moves('Ben');
});

test('who_closes_the_page_is_gone_at_once', async (t) => {
  const { url, people } = await meeting(t, ['Ana', 'Ben'], { room: 'closes', options: { expect: [/favicon/] } });
  const [ana, ben] = people;
  for (const each of people) await each.join();
  await together(people);
  await ben.page.goto(new URL('/api/session', url).href);
  await ana.gone('Ben', 3000);
  assert.equal((await ana.left()).peers, 0);
});

test('joining_and_leaving_ten_times_leaves_nothing_behind', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'ten' });
  const [ana, ben] = people;
  await ana.clean();
  await ben.join({ camera: false });
  for (let times = 0; times < 10; times += 1) {
    await ana.join();
    await together(people);
    assert.deepEqual(await ana.left(), { peers: 1, tracks: 2, contexts: 1, tiles: 2 });
    await ana.leave();
    await ana.clean();
    await ben.gone('Ana');
    await ben.page.waitForFunction(() => window.vitrinaCall.left().peers === 0);
  }
  // A look at the devices, and away again.
  await ana.knock();
  assert.equal((await ana.left()).tracks, 2);
  await ana.part('join-close').click();
  await ana.clean();
});

test('another_network_restarts_ice_and_the_call_goes_on', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'network' });
  const [ana, ben] = people;
  for (const each of people) await each.join();
  await together(people);
  const fragment = () => ana.page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.vitrinaTest.peers.at(-1).localDescription.sdp)[1]);
  const before = await fragment();
  await ana.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await ana.page.waitForFunction(
    (before) => {
      const peer = window.vitrinaTest.peers.at(-1);
      return peer.signalingState === 'stable' && /a=ice-ufrag:(\S+)/.exec(peer.localDescription.sdp)[1] !== before;
    },
    before,
  );
  await together(people);
  await ana.moves('Ben');
  await ben.moves('Ana');
  assert.equal((await ana.left()).peers, 1, 'the same connection');
});

test('a_full_call_says_so_before_and_when_two_come_for_one_place', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben', 'Carla'], { config: { room: { title: 'Meeting', calls: 2 } } });
  const [ana, ben, carla] = people;
  await ana.join();
  // Both see one place, and press; one of them gets it, the other hears why not.
  await ben.knock();
  await carla.knock();
  await Promise.all([ben, carla].map((each) => each.part('join-confirm').evaluate((button) => button.click())));
  const first = await Promise.any([ben, carla].map((each) => each.inCall().then(() => each)));
  const second = first === ben ? carla : ben;
  const isFull = (each) =>
    each.page.waitForFunction(() => {
      const said = [...document.querySelectorAll('[data-testid="toast"], [data-testid="join-who"]')];
      return said.some(({ textContent }) => /call is full: 2 people/.test(textContent));
    });
  await isFull(second);
  await together([ana, first]);
  // Who comes now is told before.
  if (await second.part('join-close').isVisible()) await second.part('join-close').click();
  await second.clean();
  await second.knock();
  await isFull(second);
  assert.ok(await second.part('join-confirm').isDisabled());
  await first.leave();
  await second.part('join-confirm').click();
  await second.inCall();
  await together([ana, second]);
});

test('a_refused_permission_has_its_sentence_and_its_way_in', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'refused', devices: ASKING, options: { permissions: [] } });
  const [ana, ben] = people;
  await ana.knock();
  const problems = ana.page.locator('[data-testid="join-problem"][data-problem="refused"]');
  assert.equal(await problems.count(), 2);
  assert.match(await problems.first().textContent(), /microphone was refused.*browser’s settings/);
  await ana.part('join-confirm').click();
  await ana.inCall();
  await ben.knock();
  await ben.part('join-confirm').click();
  await together(people);
  await ana.tile('Ben', { camera: false, muted: true });
  await ana.part('call-camera').click();
  await ana.page.waitForFunction(() => /camera was refused/.test(document.querySelector('[data-testid="toast"]')?.textContent ?? ''));
});

test('without_https_the_page_says_so_and_one_can_take_part_all_the_same', async (t) => {
  const stage = new Stage(t);
  const { url } = await daemonWith({ room: { title: 'Meeting', names: ROOMS } });
  // To a browser, any name but `localhost` is another machine's; the daemon knows its own.
  const away = new URL('/r/insecure', url.replace('127.0.0.1', hostname())).href;
  const browser = await stage.chromium({ flags: [...DEVICES.flags, `--host-resolver-rules=MAP ${hostname()} 127.0.0.1`] });
  const ana = await Caller.open(stage, browser, away, 'Ana', { permissions: [], expect: [/Cross-Origin-Opener-Policy/] });
  const ben = await Caller.open(stage, browser, `${url}/r/insecure`, 'Ben');
  await ana.knock();
  const problem = ana.page.locator('[data-testid="join-problem"]');
  assert.equal(await problem.count(), 1, 'one reason for both');
  assert.match(await problem.textContent(), /HTTPS/);
  await ana.part('join-confirm').click();
  await ana.inCall();
  await ben.join();
  await together([ana, ben]);
  await ana.moves('Ben');
});

test('a_camera_that_is_unplugged_gives_way_and_is_told', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'unplugged' });
  const [ana, ben] = people;
  for (const each of people) await each.join();
  await together(people);
  // The browser says it like this; there is no cable to pull.
  const unplug = (page) =>
    page.evaluate(() => {
      const track = window.vitrinaCall.given.findLast(({ kind, readyState }) => kind === 'video' && readyState === 'live');
      track.stop();
      track.dispatchEvent(new Event('ended'));
    });
  await unplug(ben.page);
  await ben.page.waitForFunction(() => /camera was unplugged. Now in use/.test(document.querySelector('[data-testid="toast"]')?.textContent ?? ''));
  await ana.moves('Ben');
  await ben.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
  });
  await unplug(ben.page);
  await ana.tile('Ben', { camera: false });
  await ben.page.waitForFunction(() => [...document.querySelectorAll('[data-testid="toast"]')].some((toast) => /see you no longer/.test(toast.textContent)));
});

test('a_call_stands_beside_the_sources', async (t) => {
  const source = [{ name: 'screen', title: 'The screen', kind: 'test', pattern: 'smpte', size: '640x360' }];
  const { people } = await meeting(t, ['Ana', 'Ben'], { config: { room: { title: 'Meeting' }, source } });
  const [ana] = people;
  for (const each of people) await each.join();
  await together(people);
  await ana.viewer.picture('screen');
  await ana.moves('Ben');
  const [stage, call] = [await ana.part('stage').boundingBox(), await ana.part('call').boundingBox()];
  assert.ok(stage.x + stage.width <= call.x, JSON.stringify({ stage, call }));
  assert.ok(stage.width > 2 * call.width);
  await ana.leave();
  await ana.viewer.assertMoves('screen', { least: 0 });
});

test('two_browsers_agree_however_often_both_begin_at_once', async (t) => {
  const { people } = await meeting(t, ['Ana'], { room: 'pairs' });
  const [{ page }] = people;
  await page.route('**/in-page-pairs.js', (route) => route.fulfill({ contentType: 'text/javascript', body: PAIRS }));
  assert.equal(await page.evaluate(async () => (await import('/in-page-pairs.js')).glare(8)), 8);
});

test('who_leaves_rudely_is_gone_within_ten_seconds', async (t) => {
  const { stage, url, people } = await meeting(t, ['Ana', 'Ben'], { room: 'rude' });
  const [ana, ben] = people;
  const other = await stage.chromium(DEVICES);
  const rude = await Caller.open(stage, other, url, 'Rude', { expect: [/./] });
  for (const each of [...people, rude]) await each.join();
  await together([...people, rude]);
  await stage.crash(other);
  const since = Date.now();
  for (const each of people) await each.gone('Rude', 10_000);
  assert.ok(Date.now() - since < 10_000);
  await ana.moves('Ben');
  await ben.moves('Ana');
});

test('where_two_browsers_cannot_reach_each_other_their_cameras_go_by_the_daemon', async (t) => {
  const { people } = await meeting(t, ['Ana', 'Ben'], { room: 'relayed', options: { inPage: throughRelaysAlone } });
  const [ana, ben] = people;
  for (const each of people) await each.join();
  await ana.tile('Ben', { state: 'unreachable', relayed: true }, { timeout: 30_000 });
  await ben.tile('Ana', { state: 'unreachable', relayed: true });
  await ana.moves('Ben');
  await ben.moves('Ana');
  await ben.part('call-camera').click();
  await ana.tile('Ben', { relayed: false, camera: false });
  await ben.part('call-camera').click();
  await ana.tile('Ben', { relayed: true });
  await ana.moves('Ben');
});
