/** What people write and are called, and where they point: links, names, comings, places. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { translator } from '../../src/web/page/i18n/i18n.js';
import { createComings } from '../../src/web/page/room/comings.js';
import { partsOf } from '../../src/web/page/room/links.js';
import { initialsOf, inWords, nameFrom } from '../../src/web/page/room/people.js';
import { createTeller, pictureIn, pictureOf, placeOf, Points, spotOf } from '../../src/web/page/room/pointer.js';
import { FakeTimers } from './fakes.mjs';

const links = (text) => partsOf(text).filter(({ href }) => href !== null).map((part) => part.text);

test('links are found in sentences, and the sentence’s marks are its own', () => {
  const cases = {
    'see https://a.example/x.': ['https://a.example/x'],
    'see http://a.example, or (https://b.example/c_(d)).': ['http://a.example', 'https://b.example/c_(d)'],
    '“https://a.example/?q=1&r=2#f”!': ['https://a.example/?q=1&r=2#f'],
    'https://a.example/a/b?c=d;e=f;': ['https://a.example/a/b?c=d;e=f'],
    'HTTPS://A.EXAMPLE': ['HTTPS://A.EXAMPLE'],
    'https://[2001:db8::1]:8443/x': ['https://[2001:db8::1]:8443/x'],
    'https://bücher.example': ['https://bücher.example'],
    'two: http://a.example\nhttp://b.example': ['http://a.example', 'http://b.example'],
    '**https://a.example/**': ['https://a.example/'],
  };
  for (const [text, found] of Object.entries(cases)) assert.deepEqual(links(text), found, text);
});

test('nothing but http and https becomes a link', () => {
  const hostile = [
    'javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,<script>alert(1)</script>', 'vbscript:x', 'file:///etc/passwd',
    'ftp://a.example', 'xhttp://a.example', 'javascript:https://a.example', 'view-source:https://a.example', 'http://', 'https://', 'http:///',
    'http:a.example', 'https://user:pass@b.example', 'https://bank.example@evil.example/', 'https://%00', 'http://a b', 'mailto:a@b.example', 'www.a.example',
    'http://[', 'https://..', 'blob:https://a.example/x',
  ];
  for (const text of hostile) {
    const found = partsOf(text).filter(({ href }) => href !== null);
    for (const { href } of found) assert.match(href, /^https?:\/\/[^@/]+\//, text);
    assert.ok(found.length === 0 || text === 'http://a b' , `${text}: ${JSON.stringify(found)}`);
  }
});

test('all of a text is in its parts, whatever it is', () => {
  const texts = [
    '', ' ', '<b>x</b> https://a.example/<script>', '"><img src=x onerror=alert(1)>', 'https://a.example/"onmouseover="x', '\u202ehttps://a.example\u202c',
    'https://'.repeat(500), 'https://a.example/'.repeat(200), `https://a.example/${'('.repeat(3000)}`, `https://a.example/${')'.repeat(3000)}`, '\u0000https://a.example\u0000x', '😀https://a.example😀',
  ];
  for (const text of texts) {
    const begun = performance.now();
    const parts = partsOf(text);
    assert.equal(parts.map((part) => part.text).join(''), text);
    assert.ok(performance.now() - begun < 500, 'it takes its time');
    for (const { href } of parts) if (href !== null) assert.doesNotMatch(href, /["<>\s]/);
  }
});

test('names have initials, whatever they are made of', () => {
  const cases = { 'Ana': 'A', 'ana maría': 'AM', 'Jean-Luc P. Picard': 'JP', 'Guest 7': 'G7', '李雷': '李', '👩‍🚀 Zoë': 'Z', '👩‍🚀': '👩‍🚀', '<b>x</b>': 'B', '': '?', 'ben.smith': 'BS', '(Ana)': 'A' };
  for (const [name, initials] of Object.entries(cases)) assert.equal(initialsOf(name), initials, name);
});

test('a name is trimmed, bounded and free of what is not seen', () => {
  assert.equal(nameFrom('  Ana  '), 'Ana');
  assert.equal(nameFrom('a\u202eb\u0007c\n'), 'abc');
  assert.equal(nameFrom(' \u200f '), null);
  assert.equal([...nameFrom('😀'.repeat(50))].length, 40);
});

test('many names are few words', () => {
  const t = translator('en');
  assert.equal(inWords(t, 'came', ['Ana']), 'Ana has come.');
  assert.equal(inWords(t, 'came', ['Ana', 'Ben']), 'Ana and Ben have come.');
  assert.equal(inWords(t, 'went', ['Ana', 'Ben', 'Cy', 'Di']), 'Ana, Ben and 2 others have left.');
});

test('comings at once are told once, and who is back before it is told is not', async () => {
  const timers = new FakeTimers();
  const told = [];
  const comings = createComings({ timers, tell: (what) => told.push(what) });
  for (let id = 1; id <= 30; id += 1) comings.arrived({ id, name: `P${id}` });
  comings.left({ id: 99, name: 'Old' });
  comings.left({ id: 3, name: 'P3' });
  comings.renamed({ id: 4, name: 'Four' });
  await timers.pass(5000);
  assert.equal(told.length, 1);
  assert.deepEqual([told[0].came.length, told[0].came[2], told[0].went], [29, 'Four', ['Old']]);
  comings.arrived({ id: 5, name: 'x' });
  comings.left({ id: 5, name: 'x' });
  await timers.pass(5000);
  assert.equal(told.length, 1);
  comings.arrived({ id: 6, name: 'y' });
  comings.clear();
  assert.equal(timers.pending, 0);
});

test('a place in a picture is the same one at every size and fit', () => {
  const picture = { width: 1600, height: 900 };
  for (const fit of ['contain', 'cover', 'fill']) {
    for (const box of [{ width: 800, height: 450 }, { width: 300, height: 900 }, { width: 1000, height: 100 }]) {
      const area = pictureIn(box, picture, fit);
      const place = { x: 0.25, y: 0.5 };
      const back = placeOf(spotOf(place, area), area);
      for (const axis of ['x', 'y']) assert.ok(Math.abs(back[axis] - place[axis]) < 1e-9, `${fit}: ${JSON.stringify(back)}`);
    }
  }
  const wide = pictureIn({ width: 800, height: 800 }, picture, 'contain');
  assert.deepEqual(wide, { left: 0, top: 175, width: 800, height: 450 });
  assert.equal(placeOf({ x: 400, y: 100 }, wide), null, 'beside the picture');
  assert.deepEqual(placeOf({ x: 400, y: 175 }, wide), { x: 0.5, y: 0 });
  const cut = pictureIn({ width: 450, height: 450 }, picture, 'cover');
  assert.deepEqual(cut, { left: -175, top: 0, width: 800, height: 450 });
  assert.equal(pictureIn({ width: 0, height: 5 }, picture, 'contain'), null);
  assert.equal(pictureIn({ width: 5, height: 5 }, { width: 0, height: 0 }, 'contain'), null);
});

test('a point fades within a second of the last word of it', () => {
  const points = new Points();
  points.take({ from: 2, source: 'screen', x: 0.5, y: 0.5 }, 0);
  assert.equal(points.seen(300)[0].strength, 1);
  points.take({ from: 2, source: null }, 400);
  assert.equal(points.seen(900)[0].strength, 0.5);
  assert.deepEqual(points.seen(1400), []);
  // The word of its end was lost.
  points.take({ from: 2, source: 'screen', x: 0.5, y: 0.5 }, 2000);
  assert.equal(points.seen(3500).length, 0);
  for (const broken of [{ x: 2, y: 0 }, { x: NaN, y: 0 }, { x: '0', y: 0 }, { x: 0, y: -0.1 }]) points.take({ from: 3, source: 'screen', ...broken }, 4000);
  points.take({ from: 3, source: 7, x: 0, y: 0 }, 4000);
  assert.deepEqual(points.seen(4000), []);
});

test('where pictures come by the WebSocket it is they that are pointed at', () => {
  const video = { videoWidth: 0, videoHeight: 0 };
  const canvas = { width: 640, height: 360 };
  assert.deepEqual(pictureOf({ video, canvas, byCanvas: true }), { element: canvas, width: 640, height: 360 });
  Object.assign(video, { videoWidth: 1920, videoHeight: 1080 });
  assert.deepEqual(pictureOf({ video, canvas, byCanvas: false }), { element: video, width: 1920, height: 1080 });
});

test('where one points is told no oftener than it is taken, the last place always, and again while it rests', async () => {
  const timers = new FakeTimers();
  const told = [];
  const teller = createTeller({ timers, tell: (place) => told.push(place) });
  teller.at(null);
  for (let at = 0; at < 100; at += 1) {
    teller.at({ source: 'screen', x: at / 100, y: 0 });
    await timers.pass(4);
  }
  await timers.pass(100);
  assert.ok(told.length <= 22 && told.length >= 15, `${told.length}`);
  assert.equal(told.at(-1).x, 0.99);
  const before = told.length;
  await timers.pass(1000);
  assert.equal(told.length - before, 2);
  teller.at(null);
  teller.at(null);
  await timers.pass(1000);
  assert.deepEqual([told.at(-1), told.length - before], [null, 3]);
  assert.equal(timers.pending, 0);
});
