// People in a room, each with a browser of their own, over the real daemon.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Between } from './support/between.mjs';
import { guest, HOSTILE, MEETING, people, peopleAre, say, SOURCE, talk } from './support/guests.mjs';
import { Stage } from './support/stage.mjs';

test('three_people_see_each_other_and_read_the_same_in_the_same_order', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...MEETING, source: [SOURCE] });
  const browser = await stage.chromium();
  const names = ['Ana', HOSTILE, 'Cy'];
  const all = await Promise.all(names.map((name) => guest(stage, browser, daemon.url, name)));
  for (const viewer of all) await peopleAre(viewer, 3);
  await Promise.all(
    all.map(async (viewer, who) => {
      for (let at = 1; at <= 5; at += 1) await say(viewer, `${who} says <b>${at}</b>`);
    }),
  );
  const [first, ...others] = await Promise.all(all.map((viewer) => talk(viewer, 15)));
  assert.equal(first.length, 15);
  for (const other of others) assert.deepEqual(other, first);
  names.forEach((name, who) => {
    const own = first.filter((line) => line.startsWith(`${name}: `));
    assert.deepEqual(own, [1, 2, 3, 4, 5].map((at) => `${name}: ${who} says <b>${at}</b>`), 'each in the order of saying');
  });

  const [ana, , cy] = all;
  assert.deepEqual((await people(cy)).sort(), [...names].sort());
  await ana.part('room-tab-people').click();
  await ana.part('name-edit').click();
  await ana.part('name-input').fill('  Ana María  ');
  await ana.page.keyboard.press('Enter');
  await cy.part('room-tab-people').click();
  await cy.page.locator('[data-testid="person-row"]').filter({ hasText: 'Ana María' }).waitFor();

  const late = await guest(stage, browser, daemon.url, 'Dora');
  assert.deepEqual(await talk(late, 15), first, 'whoever comes later reads what was said before');
  await cy.part('room-tab-chat').click();
  await cy.part('chat-note').filter({ hasText: 'Dora has come.' }).waitFor();
  assert.equal(await late.page.title(), 'Workshop');
  for (const viewer of all) await viewer.picture('screen');
});

test('what_is_written_is_text_and_its_links_go_to_the_web_alone', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana');
  const ben = await guest(stage, browser, daemon.url, 'Ben');
  const text = `${HOSTILE} <script>alert(1)</script> javascript:alert(1) see https://example.org/a_(b)?c=d&e, and "http://example.com".`;
  await ana.part('chat-input').fill(text);
  await ana.page.keyboard.press('Shift+Enter');
  await ana.page.keyboard.type('second line');
  await ana.page.keyboard.press('Enter');
  const said = `${text}\nsecond line`;
  assert.deepEqual(await talk(ben, 1), [`Ana: ${said}`]);
  const inside = await ben.page.evaluate(() => [...document.querySelectorAll('[data-testid="said-text"] *')].map(({ tagName, href, target, rel }) => ({ tagName, href, target, rel })));
  const safe = { tagName: 'A', target: '_blank', rel: 'noopener noreferrer nofollow' };
  assert.deepEqual(inside, [
    { ...safe, href: 'https://example.org/a_(b)?c=d&e' },
    { ...safe, href: 'http://example.com/' },
  ]);
});

test('a_reconnect_loses_nothing_and_doubles_nothing', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  const between = new Between();
  const ana = await guest(stage, browser, daemon.url, 'Ana', { before: between.join });
  const ben = await guest(stage, browser, daemon.url, 'Ben');
  await say(ana, 'one');
  await talk(ben, 1);
  const own = () => ana.page.locator('[data-testid="face"]').first().getAttribute('data-participant');
  const before = await own();
  between.cut();
  await say(ana, 'two');
  await say(ana, 'three');
  await say(ben, 'meanwhile');
  await between.said('enter', 2);
  const [mine, his] = [await talk(ana, 4), await talk(ben, 4)];
  assert.deepEqual(mine, his);
  assert.deepEqual([...mine].sort(), ['Ana: one', 'Ana: three', 'Ana: two', 'Ben: meanwhile']);
  assert.ok(mine.indexOf('Ana: two') < mine.indexOf('Ana: three'));
  assert.equal(await own(), before, 'it is the same participant');
  assert.equal(await ben.part('chat-note').count(), 0, 'nobody has come or gone');
  await say(ben, 'after');
  assert.deepEqual(await talk(ana, 5), await talk(ben, 5));
});

test('whoever_is_gone_without_a_word_is_gone_for_all_within_ten_seconds', async (t) => {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  const ana = await guest(stage, browser, daemon.url, 'Ana');
  const doomed = await stage.chromium();
  await guest(stage, doomed, daemon.url, 'Cy');
  await peopleAre(ana, 2);
  const begun = Date.now();
  await stage.crash(doomed);
  await peopleAre(ana, 1);
  assert.ok(Date.now() - begun < 10_000, `${Date.now() - begun} ms`);
  await ana.part('chat-note').filter({ hasText: 'Cy has left.' }).waitFor();
});
