// Files from page to page, bit for bit.

import assert from 'node:assert/strict';
import test from 'node:test';
import { card, kept, makeFile, phase, save, send, sha256Of } from './support/files.mjs';
import { MB, meeting, press } from './support/sharing.mjs';

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
