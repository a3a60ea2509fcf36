// More of what people do in a room, what they meet there, and how it looks.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from '../support/between.mjs';
import { account } from '../support/daemon.mjs';
import { guest, HOSTILE, MEETING, people, peopleAre, say, SOURCE, talk } from '../support/guests.mjs';
import { look, SIZES } from '../support/looks.mjs';
import { OPEN, Stage } from '../support/stage.mjs';

/** Where a point is in the source's picture, 0 to 1, as it is seen. */
const pointIn = (viewer, source) =>
  viewer.page.evaluate((source) => {
    const [dot, video] = [document.querySelector('[data-testid="point"]'), document.querySelector(`video[data-source="${source}"]`)];
    const [at, box] = [dot.getBoundingClientRect(), video.getBoundingClientRect()];
    const scale = Math[getComputedStyle(video).objectFit === 'contain' ? 'min' : 'max'](box.width / video.videoWidth, box.height / video.videoHeight);
    const size = { width: video.videoWidth * scale, height: video.videoHeight * scale };
    return {
      x: (at.x + at.width / 2 - box.x - (box.width - size.width) / 2) / size.width,
      y: (at.y + at.height / 2 - box.y - (box.height - size.height) / 2) / size.height,
    };
  }, source);

test('what_is_unread_is_counted_where_one_looks', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...MEETING, source: [SOURCE] });
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana');
  const ben = await guest(stage, browser, daemon.url, 'Ben');
  await say(ana, 'one');
  await talk(ben, 1);
  assert.ok(await ben.part('unread').isHidden(), 'what is in view is read');
  await ben.part('room-hide').click();
  await say(ana, 'two');
  await say(ana, 'three');
  await ben.part('unread').filter({ hasText: '2' }).waitFor();
  await ben.page.waitForFunction(() => document.title === '(2) Workshop');
  assert.match(await ben.part('room-toggle').getAttribute('aria-label'), /2 unread/);
  // It stays away after a reload, as it was left.
  await ben.page.reload();
  await ben.connection();
  await ben.page.waitForSelector('html[data-room="closed"]', { state: 'attached' });
  await say(ana, 'four');
  await ben.part('unread').filter({ hasText: '1' }).waitFor();
  await ben.page.keyboard.press('c');
  await ben.part('unread').waitFor({ state: 'hidden' });
  assert.deepEqual(await talk(ben, 4), ['one', 'two', 'three', 'four'].map((text) => `Ana: ${text}`));
  assert.equal(await ben.page.title(), 'Workshop');
});

test('what_was_heard_while_its_echo_was_lost_is_said_once', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  // Nothing that is said comes back by itself.
  const between = new Between(['said', 'history']);
  const ana = await guest(stage, browser, daemon.url, 'Ana', { before: between.join });
  const ben = await guest(stage, browser, daemon.url, 'Ben');
  await say(ana, 'one');
  await talk(ben, 1);
  await ana.part('pending').waitFor();
  between.cut();
  await between.said('enter', 2);
  assert.deepEqual(await talk(ana, 1), ['Ana: one']);
  assert.deepEqual(between.of('say').length, 1);
  assert.deepEqual(await talk(ben, 1), ['Ana: one']);
});

test('a_daemon_that_starts_again_has_everybody_back', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana', { expect: [/ERR_CONNECTION_REFUSED|WebSocket/] });
  const ben = await guest(stage, browser, daemon.url, 'Ben', { expect: [/ERR_CONNECTION_REFUSED|WebSocket/] });
  await say(ana, 'before');
  await talk(ben, 1);
  await daemon.stop();
  await ana.connection('reconnecting');
  await say(ana, 'waiting');
  await daemon.start();
  assert.deepEqual(await talk(ana, 2), ['Ana: before', 'Ana: waiting']);
  assert.deepEqual(await talk(ben, 2), ['Ana: before', 'Ana: waiting']);
  for (const viewer of [ana, ben]) await peopleAre(viewer, 2);
});

test('a_finger_points_after_the_button_was_pressed', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...MEETING, source: [SOURCE] });
  const browser = await stage.chromium();
  const phone = await guest(stage, browser, daemon.url, 'Ana', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const ben = await guest(stage, browser, daemon.url, 'Ben');
  for (const viewer of [phone, ben]) await viewer.picture('screen');
  await phone.part('point-toggle').tap();
  const box = await phone.page.locator('video[data-source="screen"]').boundingBox();
  await phone.page.touchscreen.tap(box.x + box.width * 0.5, box.y + box.height * 0.25);
  await ben.part('point').waitFor();
  const seen = await pointIn(ben, 'screen');
  assert.ok(Math.abs(seen.x - 0.5) < 0.01 && Math.abs(seen.y - 0.25) < 0.01, JSON.stringify(seen));
  assert.equal(await phone.page.getAttribute('[data-testid="tile"]', 'data-role'), 'grid', 'the press was not for the picture');
  await phone.part('point-toggle').tap();
  assert.equal(await phone.part('point-toggle').getAttribute('aria-pressed'), 'false');
});

test('a_meeting_without_sources_shows_its_people', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana María');
  const ben = await guest(stage, browser, daemon.url, HOSTILE);
  for (const viewer of [ana, ben]) await viewer.part('face').nth(1).waitFor();
  assert.match(await ben.part('faces').innerText(), /<img src=x onerror="document.title=1"> \(you\)/);
  assert.ok(await ana.part('notice').isHidden());
  assert.equal(await ana.part('call').count(), 1);
  assert.match(await ana.part('face').first().innerText(), /AM\s+Ana María \(you\)/);
});

test('an_admin_makes_a_room_and_closes_it', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({
    ...MEETING,
    account: [account('anna', 'correct horse', 'admin')],
  });
  const browser = await stage.chromium();
  const ben = await guest(stage, browser, daemon.url, 'Ben');
  assert.ok(await ben.part('room-tab-rooms').isHidden(), 'there is but one');

  const anna = await stage.viewer(browser, daemon.url);
  await anna.connection();
  await anna.part('more').click();
  await anna.part('signin-open').click();
  await anna.part('signin-name').fill('anna');
  await anna.part('signin-secret').fill('correct horse');
  await anna.page.keyboard.press('Enter');
  await anna.connection();
  await anna.part('room-tab-rooms').click();
  await anna.part('room-make-title').fill('Rincón tranquilo');
  await anna.page.keyboard.press('Enter');
  const link = (viewer) => viewer.page.locator('[data-testid="room-link"][data-room="rincon-tranquilo"]');
  await link(anna).waitFor();
  await anna.part('room-make-title').fill('Rincón tranquilo');
  await anna.page.keyboard.press('Enter');
  await anna.part('room-make-error').filter({ hasText: 'not taken' }).waitFor();

  await ben.part('room-tab-rooms').click();
  await link(ben).click();
  await ben.page.waitForURL(`${daemon.url}/r/rincon-tranquilo`);
  await ben.connection();
  await ben.part('room-title').filter({ hasText: 'Rincón tranquilo' }).waitFor();
  await say(ben, 'quiet here');
  await talk(ben, 1);

  const close = anna.page.locator('[data-testid="room-close"]:visible');
  await close.click();
  await close.click();
  await ben.part('room-out').filter({ hasText: 'The room was closed' }).first().waitFor();
  await ben.page.locator('[data-testid="room-home"]:visible').click();
  await ben.page.waitForURL(`${daemon.url}/`);
  await ben.part('chat-input').waitFor();
  await peopleAre(ben, 2);
  assert.equal(await ben.part('said').count(), 0, 'each room has its own talk');
});

test('a_full_room_and_one_that_is_not_there_say_so_and_the_way_out', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...MEETING, room: { title: 'Workshop', people: 2, names: ['quiet'] } });
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana');
  await guest(stage, browser, daemon.url, 'Ben');
  const cy = await stage.viewer(browser, daemon.url);
  await cy.connection();
  const out = cy.page.locator('[data-testid="room-out"]:visible');
  await out.filter({ hasText: 'The room is full' }).waitFor();
  await ana.close();
  await cy.page.locator('[data-testid="room-again"]:visible').click();
  await cy.part('chat-input').waitFor();
  await cy.part('face').nth(1).waitFor();

  const lost = await stage.viewer(browser, `${daemon.url}/r/nowhere`);
  await lost.connection();
  await lost.page.locator('[data-testid="room-out"]:visible').filter({ hasText: 'There is no room “nowhere”' }).waitFor();
  await lost.page.locator('[data-testid="room-link"][data-room="quiet"]').click();
  await lost.page.waitForURL(`${daemon.url}/r/quiet`);
  await lost.part('chat-input').waitFor();
});

test('who_may_only_read_has_no_place_to_write_and_does_not_point', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...MEETING, room: { talk: 'participants' }, source: [SOURCE] });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.part('chat-closed').waitFor();
  assert.ok(await viewer.part('chat-input').isHidden());
  assert.ok(await viewer.part('point-toggle').isHidden());
});

test('a_page_without_rooms_is_as_it_was', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, source: [SOURCE] });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url);
  await viewer.connection();
  await viewer.picture('screen');
  for (const part of ['room', 'room-toggle', 'point-toggle', 'faces']) assert.ok(await viewer.part(part).isHidden(), part);
  await viewer.page.keyboard.press('c');
  assert.ok(await viewer.part('room').isHidden());
});

for (const { name: size, ...screen } of SIZES) {
  test(`the_room_looks_right_on_a_${size}`, async (t) => {
    const stage = new Stage(t);
    const daemon = await stage.daemon({ ...MEETING, room: { title: 'Workshop', names: ['quiet'] }, source: [SOURCE, { ...SOURCE, name: 'camera', title: 'Camera', pattern: 'ball' }] });
    const meeting = await stage.daemon(MEETING);
    const browser = await stage.chromium();
    for (const colorScheme of ['light', 'dark']) {
      const options = { ...screen, colorScheme, locale: (size === 'phone') === (colorScheme === 'light') ? 'es-ES' : 'en-GB' };
      const ana = await guest(stage, browser, daemon.url, 'Ana María');
      await say(ana, 'Good morning! The new build is on the left screen, see https://example.org/builds/2026/11/27/vitrina-0.2.0.');
      await say(ana, 'Look at the lower left corner: it is greener than the rest.');
      const ben = await guest(stage, browser, daemon.url, 'Ben', options);
      for (const source of ['screen', 'camera']) await ben.picture(source, 3);
      const shot = (viewer, what) => look(viewer, `${size}-${colorScheme}-room-${what}`);
      if (size === 'phone') {
        await say(ana, 'Do you see it, too?');
        await ben.part('unread').filter({ hasText: '1' }).waitFor();
        await shot(ben, 'closed');
        await ben.part('room-toggle').click();
      }
      await say(ben, 'Yes.\nAnd on my second monitor.');
      await ben.page.waitForSelector('[data-testid="said"][data-own="true"]');
      await shot(ben, 'chat');
      await ben.part('room-tab-people').click();
      await shot(ben, 'people');
      await ben.part('name-edit').click();
      await shot(ben, 'name');
      await ben.page.keyboard.press('Escape');
      await ben.part('room-tab-rooms').click();
      await shot(ben, 'rooms');
      await ben.part('room-hide').click();
      const box = await ana.page.locator('video[data-source="screen"]').boundingBox();
      await ana.page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.3);
      // Out of the line that one writes in.
      await ana.page.keyboard.press('Escape');
      await ana.page.keyboard.down('p');
      await ana.page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.4);
      await ben.part('point').waitFor();
      await shot(ben, 'point');
      await ana.page.keyboard.up('p');
      await ana.close();
      await ben.close();

      const [host, seen] = [await guest(stage, browser, meeting.url, 'Čeněk Dvořák-Novotný'), await guest(stage, browser, meeting.url, 'Dora', options)];
      await seen.part('face').nth(1).waitFor();
      await shot(seen, 'meeting');
      await seen.page.goto(`${meeting.url}/r/nowhere`);
      await seen.page.locator('[data-testid="room-out"]:visible').waitFor();
      await shot(seen, 'unknown');
      await host.close();
      await seen.close();
    }
  });
}

test('everybody_sees_where_one_points_in_the_same_place_of_the_picture', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...MEETING, source: [SOURCE] });
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana');
  const ben = await guest(stage, browser, daemon.url, 'Ben', { viewport: { width: 900, height: 1000 } });
  const cy = await guest(stage, browser, daemon.url, 'Cy', { viewport: { width: 1500, height: 700 } });
  for (const viewer of [ana, ben, cy]) await viewer.picture('screen');
  // Its picture stands between bars.
  await cy.page.locator('[data-testid="tile"]').hover();
  await cy.part('tile-fullscreen').click();
  await cy.page.waitForFunction(() => document.fullscreenElement !== null);

  const box = await ana.page.locator('video[data-source="screen"]').boundingBox();
  const at = (x, y) => ana.page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  await at(0.5, 0.5);
  await ana.page.keyboard.down('p');
  await at(0.25, 0.75);
  for (const viewer of [ana, ben, cy]) {
    await viewer.part('point').waitFor();
    await viewer.page.waitForFunction(() => document.querySelector('.point__name').textContent === 'Ana');
    await viewer.page.waitForFunction(
      async () => {
        const tile = document.querySelector('[data-testid="tile"]').getAnimations().length;
        return tile === 0 && Number(document.querySelector('[data-testid="point"]').style.opacity) === 1;
      },
    );
  }
  for (const viewer of [ana, ben, cy]) {
    const seen = await pointIn(viewer, 'screen');
    assert.ok(Math.abs(seen.x - 0.25) < 0.006 && Math.abs(seen.y - 0.75) < 0.01, JSON.stringify(seen));
  }
  await ana.page.keyboard.up('p');
  const ended = Date.now();
  await ben.part('point').waitFor({ state: 'detached' });
  assert.ok(Date.now() - ended < 3000);

  // The button: held, and moved over the picture.
  await ana.part('point-toggle').hover();
  await ana.page.mouse.down();
  await at(0.8, 0.2);
  await ben.part('point').waitFor();
  await ana.page.mouse.up();
  await ben.part('point').waitFor({ state: 'detached' });
});
