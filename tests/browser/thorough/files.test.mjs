// Files from page to page: over cuts and reloads, with what people do in between, against a page that means no good,
// and how it looks.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from '../support/between.mjs';
import { bigFile } from '../support/bigfile.mjs';
import { bytes, card, count, makeFile, MEETING, participant, phase, save, send, sha256Of } from '../support/files.mjs';
import { look, SIZES } from '../support/looks.mjs';
import { hangUp, MB, meeting, press } from '../support/sharing.mjs';
import { Stage } from '../support/stage.mjs';

test('a_page_that_is_loaded_again_goes_on_with_what_it_had', async (t) => {
  const { stage, viewers: [from, to] } = await meeting(t, 2);
  const path = await makeFile(stage.folder(), 'again.bin', 24 * MB);
  await send(from, path);
  await press(to, 'again.bin', 'accept');
  await bytes(to, 'again.bin', 4 * MB);
  await press(from, 'again.bin', 'pause');
  await to.page.reload();
  await phase(from, 'again.bin', 'moving');
  await bytes(to, 'again.bin', 3 * MB);
  await phase(to, 'again.bin', 'done');
  assert.equal(await sha256Of((await save(to, 'again.bin')).path), await sha256Of(path));
});

test('pause_on_either_side_and_cancel', async (t) => {
  const { stage, viewers: [from, to] } = await meeting(t, 2);
  const path = await makeFile(stage.folder(), 'held.bin', 40 * MB);
  await send(from, path);
  await press(to, 'held.bin', 'accept');
  await bytes(to, 'held.bin', 1 * MB);
  await press(to, 'held.bin', 'pause');
  const stands = card(from, 'held.bin').getByTestId('file-words').filter({ hasText: 'Paused by' });
  await stands.waitFor();
  await press(to, 'held.bin', 'resume');
  await stands.waitFor({ state: 'detached' });
  await press(from, 'held.bin', 'pause');
  await card(to, 'held.bin').getByTestId('file-words').filter({ hasText: 'Paused by' }).waitFor();
  await press(from, 'held.bin', 'cancel');
  await phase(from, 'held.bin', 'cancelled');
  await phase(to, 'held.bin', 'cancelled');
  await to.page.waitForFunction(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('vitrina-received');
    return (await folder.keys().next()).done;
  });
});

test('what_is_dropped_on_a_person_goes_to_that_person_alone', async (t) => {
  const { viewers: [from, to, other] } = await meeting(t, 3);
  const drag = await from.page.evaluateHandle(() => {
    const drag = new DataTransfer();
    drag.items.add(new File(['dropped'], 'drop.txt', { type: 'text/plain' }));
    return drag;
  });
  await from.page.dispatchEvent('body', 'dragenter', { dataTransfer: drag });
  const target = from.part('drop-target').last();
  await target.waitFor();
  assert.equal(await from.part('drop-target').count(), 3, 'everybody, and each');
  await target.dispatchEvent('drop', { dataTransfer: drag });
  await from.part('drop').waitFor({ state: 'hidden' });
  await phase(other, 'drop.txt', 'offered');
  await press(other, 'drop.txt', 'accept');
  await phase(from, 'drop.txt', 'done');
  assert.equal(await from.part('file').count(), 1);
  assert.equal(await to.part('file').count(), 0);
});

test('a_page_that_sends_what_was_not_agreed_ends_that_transfer_and_no_other', async (t) => {
  const { stage, viewers: [from, to] } = await meeting(t, 2);
  const folder = stage.folder();
  const wrongs = {
    'too-large.bin': (send, channel, data) => send.call(channel, new Uint8Array(64 * 1024)),
    'too-small.bin': (send, channel, data) => send.call(channel, data.subarray(0, 100)),
    'a-text.bin': (send, channel) => send.call(channel, 'x'.repeat(16 * 1024)),
  };
  const good = await makeFile(folder, 'good.bin', 12 * MB);
  await send(from, good);
  await press(to, 'good.bin', 'accept');
  await press(to, 'good.bin', 'pause');
  for (const [name, wrong] of Object.entries(wrongs)) {
    await send(from, await makeFile(folder, name, 2 * MB));
    await phase(to, name, 'offered');
    await from.page.evaluate(`(() => {
      const native = RTCDataChannel.prototype.send;
      const wrong = ${wrong};
      let left = 1;
      RTCDataChannel.prototype.send = function (data) {
        if (!this.label.startsWith('file:') || left === 0) return native.call(this, data);
        left -= 1;
        RTCDataChannel.prototype.send = native;
        return wrong(native, this, data);
      };
    })()`);
    await press(to, name, 'accept');
    await phase(to, name, 'failed');
    await phase(from, name, 'failed');
    assert.match(await card(to, name).innerText(), /did not understand each other/);
  }
  // Nonsense, on the channel that is shared.
  await from.page.evaluate(() => {
    const channel = window.channels.find(({ label, readyState }) => label === 'files' && readyState === 'open');
    for (const nonsense of ['', '{', '[]', '{"type":"offer","id":"../x","name":"x","size":-1}', `"${'x'.repeat(60_000)}"`]) channel?.send(nonsense);
  });
  await press(to, 'good.bin', 'resume');
  await phase(to, 'good.bin', 'done');
  assert.equal(await sha256Of((await save(to, 'good.bin')).path), await sha256Of(good));
});

for (const { name: size, ...screen } of SIZES) {
  test(`files_look_right_on_a_${size}`, async (t) => {
    const stage = new Stage(t);
    const daemon = await stage.daemon(MEETING);
    const browser = await stage.chromium();
    const folder = stage.folder();
    const [from, leaves] = [await participant(stage, browser, daemon.url), await participant(stage, browser, daemon.url)];
    for (const [colorScheme, locale] of [['light', 'es-ES'], ['dark', 'en-GB']]) {
      const to = await participant(stage, browser, daemon.url, { ...screen, colorScheme, locale });
      const shot = (what) => look(to, `${size}-${colorScheme}-files-${what}`);
      const report = 'Quarterly report with a rather long name, the final version (3).pdf';
      await count(from, 3);
      await send(from, { name: report, mimeType: 'application/pdf', buffer: Buffer.alloc(2.4 * MB, 7) });
      if (size === 'phone') {
        await to.part('toast').filter({ hasText: report }).waitFor();
        await shot('called');
        await to.part('toast').filter({ hasText: report }).getByRole('button').first().click();
      }
      await phase(to, report, 'offered');
      await shot('offered');
      await press(to, report, 'accept');
      await phase(to, report, 'done');
      await send(leaves, await makeFile(folder, 'video.mp4', 60 * MB));
      await press(to, 'video.mp4', 'accept');
      await bytes(to, 'video.mp4', 1 * MB);
      await press(to, 'video.mp4', 'pause');
      await to.part('file-resume').waitFor();
      await send(from, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.alloc(20, 7) });
      await press(to, 'notes.txt', 'refuse');
      await shot('states');
      const drag = await to.page.evaluateHandle(() => {
        const drag = new DataTransfer();
        drag.items.add(new File(['x'], 'x.txt'));
        return drag;
      });
      await to.page.dispatchEvent('body', 'dragenter', { dataTransfer: drag });
      await to.part('drop').waitFor();
      await shot('drop');
      await to.close();
      await count(from, 2);
    }
  });
}

test('a_large_file_takes_little_memory_and_at_most_twice_as_long_as_a_bare_channel', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  t.diagnostic(await bigFile(stage, daemon.url, 100 * MB, 30 * MB));
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
