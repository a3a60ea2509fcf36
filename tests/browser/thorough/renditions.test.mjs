// More of what a person sees of the ladder: the choice that is kept, the statistics, a picture that fills the screen.

import assert from 'node:assert/strict';
import test from 'node:test';
import { RUNGS, open, rendition } from '../support/ladder.mjs';

test('a_choice_is_told_again_when_the_page_comes_back', async (t) => {
  const { viewer, between, menu, button } = await open(t);
  between.say(rendition());
  await button.click();
  await menu.getByTestId('quality-1').click();
  await between.said('choose', 1);
  await viewer.page.reload();
  await viewer.connection();
  assert.deepEqual(await between.said('choose', 2), { type: 'choose', source: 'screen', rung: 1 });
  const types = between.heard.map(({ type }) => type);
  assert.equal(types.lastIndexOf('choose'), types.lastIndexOf('join') + 1, 'at once after the join');

  // A machine that has fewer renditions by now: the choice is gone.
  between.say(rendition({ rungs: RUNGS.slice(0, 1) }));
  assert.deepEqual(await between.said('choose', 3), { type: 'choose', source: 'screen' });
  assert.equal(await button.isVisible(), false);
});

test('the_statistics_tell_what_comes_and_who_chose_it', async (t) => {
  const { viewer, between, tile } = await open(t);
  await viewer.page.keyboard.press('i');
  const line = (text) => tile.locator('[data-stat="rendition"]:not([hidden])').filter({ hasText: text }).waitFor();
  await tile.locator('[data-stat="resolution"]').waitFor({ state: 'attached' });
  assert.equal(await tile.locator('[data-stat="rendition"]').isVisible(), false);
  between.say(rendition({ rung: 2 }));
  await line(/Quality\s*Automatic\s*Small, 640 × 360, 15\/s/);
  between.say(rendition({ automatic: false, rung: 1 }));
  await line(/Quality\s*Chosen\s*Sharp but slower, 1280 × 720, 5\/s/);
});

test('the_menu_is_there_for_a_picture_that_fills_the_screen', async (t) => {
  const { viewer, between, tile, menu, button } = await open(t);
  between.say(rendition());
  await tile.hover();
  await tile.getByTestId('tile-fullscreen').click();
  await viewer.page.waitForFunction(() => document.fullscreenElement?.dataset.source === 'screen');
  await viewer.page.mouse.move(300, 300);
  await button.click();
  // Playwright presses only what is really to be seen there.
  await menu.getByTestId('quality-2').click();
  assert.deepEqual(await between.said('choose', 1), { type: 'choose', source: 'screen', rung: 2 });
});
