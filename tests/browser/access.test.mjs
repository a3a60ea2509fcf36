// Who may watch, over HTTPS with the daemon's own certificate, as it is at the first start.

import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN, Stage } from './support/stage.mjs';

const SOURCES = [{ name: 'screen', kind: 'test', pattern: 'smpte', size: '320x180', tone: false }];
const CLOSED = { server: { listen: '127.0.0.1:0' }, network: OPEN.network, source: SOURCES };
/** The console tells of every refused request. */
const REFUSED = [/the server responded with a status of 401/];

test('the_printed_link_opens_the_page_and_leaves_no_token_in_the_address', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(CLOSED);
  const link = await daemon.link();
  assert.match(link, /^https:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{20,}$/);
  const viewer = await stage.viewer(await stage.chromium(), link);
  await viewer.connection();
  await viewer.assertMoves('screen');
  assert.equal(viewer.page.url(), `${daemon.url}/`);

  // The cookie is enough from now on.
  await viewer.page.goto(`${daemon.url}/`);
  await viewer.connection();
  await viewer.picture('screen');
  const [cookie] = await viewer.context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, true, 'Strict']);

  // What a log keeps is less than what opens the page.
  const token = new URL(link).hash.slice('#token='.length);
  const told = daemon.program.lines.filter((line) => line.includes(token) && !line.includes(link));
  assert.deepEqual(told, []);
});

test('a_wrong_token_is_refused_in_words_and_the_right_one_is_taken_after_it', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(CLOSED);
  const link = await daemon.link();
  const token = new URL(link).hash.slice('#token='.length);
  const wrong = token.startsWith('A') ? `B${token.slice(1)}` : `A${token.slice(1)}`;
  const viewer = await stage.viewer(await stage.chromium(), `${daemon.url}/#token=${wrong}`, { expect: REFUSED });
  await viewer.connection('signed-out');
  assert.ok((await viewer.part('signin-error').innerText()).length > 10, 'it says what is wrong');
  assert.equal(await viewer.page.$$eval('video', (videos) => videos.filter((video) => video.srcObject).length), 0);
  assert.equal((await viewer.context.cookies()).length, 0);

  await viewer.part('signin-secret').fill(token);
  await viewer.part('signin-submit').click();
  await viewer.connection('connected');
  await viewer.assertMoves('screen');
});

test('without_a_token_nothing_is_shown_and_a_whole_link_may_be_pasted', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(CLOSED);
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { expect: REFUSED });
  await viewer.connection('signed-out');
  await viewer.part('signin-secret').fill(await daemon.link());
  await viewer.part('signin-submit').click();
  await viewer.connection('connected');
});

test('a_password_may_take_the_place_of_the_token', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...CLOSED, access: { password: 'correct horse battery' } });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, { expect: REFUSED });
  await viewer.connection('signed-out');
  await viewer.part('signin-secret').fill('wrong horse battery');
  await viewer.part('signin-submit').click();
  await viewer.page.waitForFunction(() => document.querySelector('[data-testid="signin-error"]').textContent !== '');
  await viewer.part('signin-secret').fill('correct horse battery');
  await viewer.part('signin-submit').click();
  await viewer.connection('connected');
  await viewer.assertMoves('screen');
});
