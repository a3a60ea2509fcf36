// More of the inspector, and how it looks.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { FOLDER, inspected, offerEcho, reported, stepsOf } from '../support/inspected.mjs';

test('the_chosen_pair_and_the_ciphers_are_those_of_getstats', async (t) => {
  const { viewer, tab, page } = await inspected(t);
  await tab('connection');
  await viewer.part('srtp-cipher').waitFor();
  const stats = await reported(page);
  const transport = stats.find(({ type }) => type === 'transport');
  const by = (id) => stats.find((each) => each.id === id);
  const pair = by(transport.selectedCandidatePairId);
  const shown = page.locator('[data-testid="pairs"] tr[data-chosen="true"]');
  assert.equal(await shown.count(), 1);
  assert.equal(await shown.getAttribute('data-pair'), pair.id);
  for (const id of [pair.localCandidateId, pair.remoteCandidateId]) {
    assert.ok((await shown.innerText()).includes(`${by(id).address}:${by(id).port}`), by(id).address);
  }
  assert.equal(await viewer.part('srtp-cipher').innerText(), transport.srtpCipher);
  assert.match(transport.srtpCipher, /AES/);
  assert.equal(await viewer.part('dtls-cipher').innerText(), transport.dtlsCipher);
  assert.match(await viewer.part('dtls-version').innerText(), /^DTLS 1\.[23]$/);
  assert.match(await viewer.part('codecs').innerText(), /H264\s+Constrained Baseline, level \d/);

  // The description, laid out: passwords are hidden until they are asked for.
  await tab('sdp');
  const raw = page.locator('.sdp__cell[data-name="ice-pwd"] code').first();
  await raw.waitFor();
  assert.equal(await raw.innerText(), 'a=ice-pwd:•••');
  assert.equal(await page.locator('.sdp__cell[data-known="false"]').count(), 0, 'a line of our own that is not explained');
  await viewer.part('sdp-secrets').check();
  assert.match(await page.locator('.sdp__cell[data-name="ice-pwd"] code').first().innerText(), /^a=ice-pwd:\S{22,}$/);
});

test('the_echo_measures_round_trips_or_says_that_there_is_none', async (t) => {
  const { viewer, tab, page } = await inspected(t);
  await tab('echo');
  if (await viewer.part('echo-start').isHidden()) {
    assert.match(await viewer.part('echo-none').innerText(), /no channel/);
    await offerEcho(page);
  }
  await viewer.part('echo-start').click();
  const ms = /^[\d,.]+ ms$/;
  for (const figure of ['last', 'median', 'high']) await viewer.part(`echo-${figure}`).filter({ hasText: ms }).waitFor();
  await page.waitForFunction(() => Number(document.querySelector('[data-testid="echo-count"]').textContent) >= 5);
  await viewer.part('echo-start').click();
  assert.equal(await viewer.part('echo-start').innerText(), 'Start');
});

test('after_a_new_session_the_one_before_can_still_be_looked_at', async (t) => {
  const { viewer, page } = await inspected(t);
  await viewer.part('more').click();
  await viewer.part('leave').click();
  await viewer.connection('ended');
  await page.waitForSelector('.step[data-name="leave"]', { state: 'attached' });
  await viewer.part('notice-action').click();
  await viewer.connection();
  await page.waitForSelector('.step[data-name="connection: connected"]', { state: 'attached' });
  assert.ok(!(await stepsOf(page)).includes('leave'));
  await page.getByTestId('inspector-session').locator('input[value="before"]').check();
  await page.waitForSelector('.step[data-name="leave"]', { state: 'attached' });
});

const SIZES = [
  { size: 'desktop', viewport: { width: 1440, height: 900 } },
  { size: 'phone', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
];

/** What runs past the inspector's edge. */
function beyond() {
  const { left, right } = document.querySelector('.inspector').getBoundingClientRect();
  const seen = [...document.querySelectorAll('.inspector :is(p, h2, h3, button, td, dd, code, .chart, .sdp__cell)')].filter((each) => each.checkVisibility() && each.closest('.itabs, pre') === null);
  return seen.filter((each) => each.getBoundingClientRect().right > right + 1 || each.getBoundingClientRect().left < left - 1).map((each) => each.outerHTML.slice(0, 160));
}

for (const { size, ...screen } of SIZES) {
  test(`the_inspector_looks_right_on_a_${size}`, async (t) => {
    mkdirSync(FOLDER, { recursive: true });
    const { viewer, tab, page } = await inspected(t, { ...screen, locale: size === 'phone' ? 'es-ES' : 'en-GB', colorScheme: 'dark' });
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      await page.waitForSelector(`html[data-theme="${colorScheme}"]`, { state: 'attached' });
      for (const name of ['sequence', 'sdp', 'connection', 'charts', 'echo']) {
        await tab(name);
        if (name === 'charts') await page.waitForFunction(() => Number(document.querySelector('[data-chart="fps"]')?.dataset.points) >= 8);
        if (name === 'connection') await viewer.part('pairs').waitFor();
        await page.screenshot({ path: join(FOLDER, `${size}-${colorScheme}-inspector-${name}.png`) });
        assert.deepEqual(await page.evaluate(beyond), [], name);
      }
    }
    // The pictures go on beside it.
    await viewer.assertMoves('screen');
    const stage = await viewer.part('stage').boundingBox();
    assert.ok(stage.width > 150 && stage.height > 80, JSON.stringify(stage));
  });
}
