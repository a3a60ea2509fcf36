// The inspector: what it shows is this very connection.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { OUT } from './support/paths.mjs';
import { OPEN, Stage } from './support/stage.mjs';

const FOLDER = join(OUT, 'screenshots');
const SOURCES = [
  { name: 'screen', title: 'Screen', kind: 'test', pattern: 'smpte', size: '640x360' },
  { name: 'camera', title: 'Camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];

/** A page with pictures, and the inspector open by its key. */
async function inspected(t, options) {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, server: { ...OPEN.server, title: 'Workshop' }, source: SOURCES });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, options);
  await viewer.connection();
  await viewer.picture('screen', 2);
  await viewer.page.keyboard.press('Shift+I');
  await viewer.part('sequence').waitFor();
  const tab = (name) => viewer.part(`inspector-tab-${name}`).click();
  return { viewer, tab, page: viewer.page };
}

/** Everything that the page's own connection reports. */
const reported = (page) =>
  page.evaluate(async () => [...(await window.vitrinaTest.peers.find(({ connectionState }) => connectionState === 'connected').getStats()).values()]);

/** The ICE passwords of both sides. */
const passwordsOf = (page) =>
  page.evaluate(() =>
    window.vitrinaTest.peers.flatMap(({ localDescription, remoteDescription }) =>
      [localDescription, remoteDescription].flatMap((description) => [...(description?.sdp ?? '').matchAll(/^a=ice-pwd:(.*?)\r?$/gm)].map(([, password]) => password)),
    ),
  );

/** A data channel named "echo" that the page's connection is told of: its other end sends back what it gets. */
const offerEcho = (page) =>
  page.evaluate(async () => {
    const [connection] = window.vitrinaTest.peers;
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
    const channel = far.createDataChannel('echo');
    channel.onmessage = ({ data }) => channel.send(data);
    near.ondatachannel = (event) => connection.dispatchEvent(new RTCDataChannelEvent('datachannel', { channel: event.channel }));
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription);
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription);
  });

/** The steps as they stand in the diagram, from top to bottom. */
const stepsOf = (page) => page.$$eval('.step', (steps) => steps.map(({ dataset }) => dataset.name));

test('the_sequence_is_that_of_the_connection_and_explains_itself', async (t) => {
  const { viewer, page } = await inspected(t);
  await page.waitForSelector('.step[data-name="connection: connected"]', { state: 'attached' });
  const steps = await stepsOf(page);
  const order = ['WebSocket open', 'hello', 'welcome', 'join', 'offer', 'candidate', 'signaling: have-remote-offer', 'answer', 'ice: checking', 'ice: connected', 'dtls: connected', 'connection: connected'];
  const places = order.map((name) => steps.indexOf(name));
  assert.ok(!places.includes(-1), `missing of ${order}: ${steps}`);
  assert.deepEqual([...places].sort((a, b) => a - b), places, `out of order: ${steps}`);
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
