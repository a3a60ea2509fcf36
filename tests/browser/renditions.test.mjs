// What comes of a source and what could: a person sees it and chooses. The daemon's words about a
// slow network are said by a stand-in, which keeps the daemon's own from the page.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from './support/between.mjs';
import { open, rendition } from './support/ladder.mjs';
import { OPEN, Stage } from './support/stage.mjs';

/** Each entry of the menu: its role, whether it is chosen, and its words. */
const entries = (menu) =>
  menu.locator('button').evaluateAll((buttons) =>
    buttons.map((button) => [
      button.getAttribute('role'),
      button.getAttribute('aria-checked'),
      [...button.querySelectorAll('.option__text > *, .option__rate')].map((part) => part.textContent).join(' | '),
    ]),
  );

test('a_person_chooses_a_rendition_by_keyboard_and_goes_back_to_automatic', async (t) => {
  const { viewer, between, tile, menu, button } = await open(t);
  assert.equal(await button.isVisible(), false, 'without renditions there is nothing to choose');
  between.say(rendition());
  await button.waitFor({ state: 'attached' });
  assert.equal(await viewer.page.locator('[data-source="camera"]').getByTestId('tile-quality').isVisible(), false);

  await button.focus();
  assert.equal(await button.getAttribute('aria-label'), 'Quality: The screen');
  await viewer.page.keyboard.press('Enter');
  await menu.waitFor({ state: 'visible' });
  assert.equal(await menu.getAttribute('role'), 'menu');
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  assert.deepEqual(await entries(menu), [
    ['menuitemradio', 'true', 'Automatic | Now 1280 × 720, 30/s | '],
    ['menuitemradio', 'false', 'Full | 1280 × 720, 30 pictures a second | 2.5 Mbit/s'],
    ['menuitemradio', 'false', 'Sharp but slower | 1280 × 720, 5 pictures a second | 750 kbit/s'],
    ['menuitemradio', 'false', 'Small | 640 × 360, 15 pictures a second | 250 kbit/s'],
  ]);
  const focused = () => viewer.page.evaluate(() => document.activeElement.dataset.testid);
  assert.equal(await focused(), 'quality-automatic');
  const volume = () => viewer.page.evaluate(() => JSON.parse(localStorage.getItem('vitrina.settings'))?.volume ?? 1);
  await viewer.page.keyboard.press('ArrowDown');
  await viewer.page.keyboard.press('End');
  assert.equal(await focused(), 'quality-2');
  assert.deepEqual(between.of('choose'), [], 'moving over the entries chooses nothing');
  await viewer.page.keyboard.press('Enter');
  assert.deepEqual(await between.said('choose', 1), { type: 'choose', source: 'screen', rung: 2 });
  await menu.waitFor({ state: 'hidden' });
  assert.equal(await focused(), 'tile-quality', 'the focus comes back');
  assert.equal(await volume(), 1, 'the arrows were the menu’s');

  between.say(rendition({ automatic: false, rung: 2 }));
  await button.click();
  assert.deepEqual((await entries(menu)).map(([, checked]) => checked), ['false', 'false', 'false', 'true']);
  assert.equal(await focused(), 'quality-2', 'the focus begins at what is chosen');
  await viewer.page.keyboard.press('Escape');
  await menu.waitFor({ state: 'hidden' });
  await button.click();
  await menu.getByTestId('quality-automatic').click();
  assert.deepEqual(await between.said('choose', 2), { type: 'choose', source: 'screen' });
  await tile.getByTestId('reduced').waitFor({ state: 'hidden' });
});

test('the_picture_says_that_it_is_reduced_and_that_the_link_is_too_slow', async (t) => {
  const { viewer, between, tile } = await open(t);
  between.say(rendition({ rung: 2 }));
  const [reduced, slow] = [tile.getByTestId('reduced'), tile.getByTestId('too-slow')];
  await viewer.page.mouse.move(400, 400);
  await reduced.waitFor({ state: 'visible' });
  assert.equal((await reduced.innerText()).trim(), 'Reduced: slow connection');
  assert.equal(await slow.isVisible(), false);

  between.say(rendition({ rung: 2, too_slow: true }));
  await slow.waitFor({ state: 'visible' });
  const sentence = 'Your connection is too slow even for the smallest picture; pictures are left out.';
  assert.equal((await slow.innerText()).trim(), sentence);
  assert.equal(await slow.getAttribute('role'), 'status');
  assert.equal(await reduced.isVisible(), false, 'one of the two is enough');

  between.say(rendition({ automatic: false, rung: 1 }));
  await slow.waitFor({ state: 'hidden' });
  assert.equal(await reduced.isVisible(), false, 'what was chosen is not reduced');
});

test('a_chosen_rendition_comes_in_the_same_track_and_is_there_from_the_start_next_time', async (t) => {
  const stage = new Stage(t);
  const display = await stage.clock({ width: 1280, height: 720 });
  const daemon = await stage.daemon({ ...OPEN, source: [{ name: 'screen', kind: 'screen', display }] });
  const between = new Between();
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { before: between.join });
  const tile = viewer.page.locator('[data-testid="tile"][data-source="screen"]');
  const menu = viewer.page.locator('[data-testid="quality-menu"][data-source="screen"]');
  const choose = async (entry) => {
    await tile.hover();
    await tile.getByTestId('tile-quality').click();
    await menu.getByTestId(`quality-${entry}`).click();
  };
  const size = (width) =>
    viewer.page.waitForFunction((width) => document.querySelector('video[data-source="screen"]').videoWidth === width, width);
  const stream = async () => (await viewer.inbound('video')).map(({ id, ssrc }) => ({ id, ssrc }));
  const offers = () => between.told.filter(({ type }) => type === 'offer').length;

  await viewer.connection();
  assert.equal((await viewer.picture('screen')).width, 1280);
  const before = await stream();
  await choose(2);
  await size(640);
  await viewer.assertMoves('screen');
  assert.deepEqual(await stream(), before, 'the same stream');
  assert.equal(offers(), 1);

  await viewer.page.reload();
  await viewer.connection();
  assert.equal((await viewer.picture('screen')).width, 640, 'the first picture is of what was chosen before');
  const after = await stream();
  await choose('automatic');
  await size(1280);
  await viewer.assertMoves('screen');
  assert.deepEqual(await stream(), after, 'the same stream');
  assert.equal(offers(), 2, 'one a session');
  assert.equal(await tile.getByTestId('reduced').isVisible(), false);
  assert.deepEqual(between.told.filter(({ type }) => type === 'error'), []);
});
