// Files from page to page: bit for bit, and over cuts.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from './support/between.mjs';
import { bytes, card, kept, makeFile, phase, save, send, sha256Of } from './support/files.mjs';
import { hangUp, MB, meeting, press } from './support/sharing.mjs';

test('a_file_for_all_arrives_bit_for_bit_at_who_takes_it', async (t) => {
  const { stage, viewers: [from, takes, refuses] } = await meeting(t, 3);
  const path = await makeFile(stage.folder(), 'año nuevo.bin', 3 * MB + 17);
  await send(from, path);
  await phase(takes, 'año nuevo.bin', 'offered');
  assert.match(await card(takes, 'año nuevo.bin').innerText(), /3 MB/);
  await press(takes, 'año nuevo.bin', 'accept');
  await press(refuses, 'año nuevo.bin', 'refuse');
  await phase(takes, 'año nuevo.bin', 'done');
  await phase(from, 'año nuevo.bin', 'done');
  await phase(from, 'año nuevo.bin', 'refused');
  const saved = await save(takes, 'año nuevo.bin');
  assert.equal(saved.name, 'año nuevo.bin');
  assert.equal(await sha256Of(saved.path), await sha256Of(path));
  assert.deepEqual(await kept(refuses), []);
  await press(takes, 'año nuevo.bin', 'dismiss');
  await card(takes, 'año nuevo.bin').waitFor({ state: 'detached' });
});

test('it_goes_on_where_it_was_cut_off', async (t) => {
  const between = new Between();
  const { stage, viewers: [from, to] } = await meeting(t, 2, [undefined, between]);
  const path = await makeFile(stage.folder(), 'cut.bin', 24 * MB);
  await send(from, path);
  await press(to, 'cut.bin', 'accept');
  for (const least of [3 * MB, 12 * MB]) {
    await bytes(to, 'cut.bin', least);
    hangUp(between);
  }
  await phase(to, 'cut.bin', 'done');
  await phase(from, 'cut.bin', 'done');
  assert.equal(await sha256Of((await save(to, 'cut.bin')).path), await sha256Of(path));
  const channels = await from.page.evaluate(() => window.channels.filter(({ label }) => label.startsWith('file:')).length);
  assert.equal(channels, 3, 'one at first, and one after each cut');
});
