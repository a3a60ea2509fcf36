// The inspector: what it shows is this very connection.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { inspected, passwordsOf, stepsOf } from './support/inspected.mjs';

test('the_sequence_is_that_of_the_connection_and_explains_itself', async (t) => {
  const { viewer, page } = await inspected(t);
  await page.waitForSelector('.step[data-name="connection: connected"]', { state: 'attached' });
  const steps = await stepsOf(page);
  const order = ['WebSocket open', 'hello', 'welcome', 'join', 'offer', 'candidate', 'signaling: have-remote-offer', 'answer', 'ice: checking', 'ice: connected', 'connection: connected'];
  const places = order.map((name) => steps.indexOf(name));
  assert.ok(!places.includes(-1), `missing of ${order}: ${steps}`);
  assert.deepEqual([...places].sort((a, b) => a - b), places, `out of order: ${steps}`);
  // The transport tells of the end of DTLS, and the connection of it: the browser says which first.
  assert.ok(steps.indexOf('dtls: connected') > steps.indexOf('ice: connected'), String(steps));
  assert.ok(steps.includes('RTP: video') && steps.includes('track: audio'), String(steps));
  const candidates = await page.$$eval('.step[data-name="candidate"]', (found) => found.map(({ dataset }) => dataset.from));
  assert.ok(candidates.includes('browser') && candidates.includes('daemon'), String(candidates));
  assert.equal(await page.$$eval('.phases__part', (parts) => parts.length), 5);

  // By the keyboard: from step to step, and nothing of the page answers to the arrows meanwhile.
  const volume = await viewer.part('volume').inputValue();
  await viewer.part('sequence').focus();
  await page.keyboard.press('Home');
  assert.match(await viewer.part('lesson-words').innerText(), /signalling/);
  for (let step = 0; step < steps.indexOf('offer'); step += 1) await page.keyboard.press('ArrowDown');
  assert.match(await viewer.part('lesson-words').innerText(), /SDP/);
  assert.match(await viewer.part('lesson-spec').innerText(), /RFC 9429 §5.2/);
  const sent = await viewer.part('lesson-content').innerText();
  assert.match(sent, /^m=video/m);
  assert.match(sent, /^a=ice-pwd:•••$/m);
  const chosen = await viewer.part('sequence').getAttribute('aria-activedescendant');
  assert.equal(await page.getAttribute(`#${chosen}`, 'aria-selected'), 'true');
  assert.equal(await viewer.part('volume').inputValue(), volume);

  // In another language at once.
  await viewer.part('more').click();
  await viewer.part('language-es').check();
  await page.keyboard.press('Escape');
  assert.match(await viewer.part('lesson-words').innerText(), /vitrina propone la sesión/);
  assert.match(await viewer.part('inspector-tab-sdp').innerText(), /Descripciones/);

  // What is new comes by itself: a choice of what to see.
  await viewer.part('inspector-all').check();
  const before = (await stepsOf(page)).filter((name) => name === 'select').length;
  await page.keyboard.press('Shift+2');
  await page.waitForFunction((count) => document.querySelectorAll('.step[data-name="select"]').length > count, before);

  await page.keyboard.press('Escape');
  await viewer.part('inspector').waitFor({ state: 'hidden' });
  await viewer.assertMoves('screen');
});

test('charts_fill_and_what_is_exported_has_no_secrets', async (t) => {
  const asked = [];
  const { viewer, tab, page } = await inspected(t, { before: async (page) => void page.on('request', (request) => asked.push(new URL(request.url()).pathname)) });
  assert.ok(!asked.some((path) => path.startsWith('/vendor/')), 'the chart library is fetched when charts are looked at');
  await tab('charts');
  await page.waitForFunction(() => [...document.querySelectorAll('[data-testid="chart"]')].filter(({ dataset }) => Number(dataset.points) >= 3).length === 6);
  assert.ok(asked.includes('/vendor/uPlot.esm.js'));
  const words = await page.locator('[data-chart="bitrate"] [role="img"]').getAttribute('aria-label');
  assert.match(words, /Bitrate.*Screen.*now [\d.]+ [kM]bit\/s, least .*, most /);
  const drawn = await page.locator('[data-chart="bitrate"] canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(drawn > 10, 'lines, axes and words are drawn');

  const downloading = page.waitForEvent('download');
  await viewer.part('inspector-export').click();
  const download = await downloading;
  assert.match(download.suggestedFilename(), /^vitrina-inspector-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.json$/);
  const text = readFileSync(await download.path(), 'utf8');
  const told = JSON.parse(text);
  const types = told.sessions[0].entries.filter(({ kind }) => kind === 'signal').map(({ message }) => message.type);
  assert.ok(types.includes('offer') && types.includes('answer'));
  assert.ok(told.samples.length >= 3 && told.stats.some(({ type }) => type === 'inbound-rtp'));
  const passwords = await passwordsOf(page);
  assert.ok(passwords.length >= 2);
  for (const password of passwords) assert.ok(!text.includes(password), 'an ICE password');
});
