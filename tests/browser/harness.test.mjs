// The measuring instruments themselves: a scenario that fails should speak of the daemon.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Stage } from './support/stage.mjs';
import { toml } from './support/toml.mjs';
import { IN_PAGE } from './support/viewer.mjs';

test('the_time_on_the_screen_clock_is_read_off_a_picture_of_the_screen', async (t) => {
  const stage = new Stage(t);
  const display = await stage.clock();
  const browser = await stage.chromium();
  const page = await browser.newPage();
  await page.addInitScript(IN_PAGE);
  await page.goto('about:blank');
  const folder = stage.folder();

  let last = 0;
  for (const shot of [1, 2]) {
    const file = join(folder, `${shot}.png`);
    const before = Date.now();
    const pipeline = ['ximagesrc', `display-name=${display}`, 'use-damage=false', 'num-buffers=1', '!', 'videoconvert', '!', 'pngenc', '!', 'filesink', `location=${file}`];
    const capture = stage.program('gst-launch-1.0', ['-q', ...pipeline]);
    assert.deepEqual(await capture.ended, { code: 0, signal: null }, capture.tail());
    const after = Date.now();
    const shown = await page.evaluate(async (url) => {
      const picture = new Image();
      picture.src = url;
      await picture.decode();
      const { width } = picture;
      return window.vitrinaTest.readClock(Object.defineProperty(picture, 'videoWidth', { value: width }), width);
    }, `data:image/png;base64,${readFileSync(file, 'base64')}`);
    // The clock shows the 40 low bits of the time.
    const wrap = (ms) => ms % 2 ** 40;
    assert.ok(shown >= wrap(before) - 100 && shown <= wrap(after), `${wrap(before)} <= ${shown} <= ${wrap(after)}`);
    assert.ok(shown > last, 'the clock goes on');
    last = shown;
  }
});

test('the_sound_server_has_a_monitor_on_which_the_tone_is_heard', async (t) => {
  const stage = new Stage(t);
  const env = { ...process.env, ...(await stage.sound()) };
  const pipeline = ['pulsesrc', 'device=speaker.monitor', 'num-buffers=50', '!', 'level', 'interval=100000000', '!', 'fakesink'];
  const listener = stage.program('gst-launch-1.0', ['-m', ...pipeline], { env });
  // The root mean square of a sine at half amplitude is 9 dB below full scale.
  const [, level] = await listener.line(/rms=\(GValueArray\)< (-\d+\.\d+)/);
  assert.ok(Number(level) > -12 && Number(level) < -6, `${level} dB`);
});

test('a_config_is_written_as_toml', () => {
  const config = {
    state_dir: '/tmp/x',
    server: { listen: '127.0.0.1:0', tls: false, public_url: undefined },
    network: { addresses: ['127.0.0.1'], ice_server: [{ urls: ['stun:a'] }] },
    source: [{ name: 'a', region: { x: 1, y: 2 } }, { name: 'b' }],
  };
  assert.equal(
    toml(config),
    `state_dir = "/tmp/x"

[server]
listen = "127.0.0.1:0"
tls = false

[network]
addresses = ["127.0.0.1"]

[[network.ice_server]]
urls = ["stun:a"]

[[source]]
name = "a"
region = { x = 1, y = 2 }

[[source]]
name = "b"
`,
  );
});
