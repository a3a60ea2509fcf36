/** What comes of each source, what could, and how that is put into words. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { translator } from '../../src/web/page/i18n/i18n.js';
import {
  chosenRung,
  hasChoice,
  isReduced,
  renditionOf,
  rungKey,
  slowKey,
  withChoice,
  withRendition,
} from '../../src/web/page/state/renditions.js';
import { formatter } from '../../src/web/page/stats/format.js';
import { step } from '../../src/web/page/ui/quality.js';

const rung = (width, height, framerate, bitrate_kbps) => ({ width, height, framerate, bitrate_kbps });
const SCREEN = [rung(1280, 720, 30, 2500), rung(1280, 720, 5, 750), rung(640, 360, 15, 250)];
const CAMERA = [rung(1920, 1080, 30, 4000), rung(960, 540, 30, 1200), rung(480, 270, 15, 300)];
const message = (more = {}) => ({
  type: 'rendition',
  source: 'screen',
  automatic: true,
  rung: 0,
  too_slow: false,
  rungs: SCREEN,
  ...more,
});
const known = (more) => renditionOf(withRendition({}, message(more)), 'screen');

test('a rendition is kept by its source, and the last word counts', () => {
  const first = withRendition({}, message());
  assert.deepEqual(first.screen.rungs[2], { width: 640, height: 360, framerate: 15, bitrateKbps: 250 });
  assert.deepEqual([first.screen.automatic, first.screen.rung, first.screen.tooSlow], [true, 0, false]);
  const both = withRendition(first, message({ source: 'camera', rungs: CAMERA, rung: 1 }));
  assert.equal(both.screen, first.screen);
  const later = withRendition(both, message({ automatic: false, rung: 2, too_slow: true }));
  assert.deepEqual([later.screen.automatic, later.screen.rung, later.screen.tooSlow], [false, 2, true]);
  assert.equal(later.camera, both.camera);
});

test('what says nothing new, or cannot be understood, changes nothing', () => {
  const before = withRendition({}, message());
  const nonsense = [
    message(),
    message({ rungs: undefined }),
    message({ rungs: [null] }),
    message({ rungs: [{ ...SCREEN[0], width: 0 }] }),
    message({ rungs: [{ ...SCREEN[0], framerate: '30' }] }),
    message({ rungs: [] }),
    message({ rung: 3 }),
    message({ rung: -1 }),
    message({ rung: 0.5 }),
    message({ source: undefined }),
  ];
  for (const each of nonsense) assert.equal(withRendition(before, each), before, JSON.stringify(each));
  assert.equal(renditionOf(before, 'constructor'), null);
  assert.equal(renditionOf(withRendition({}, message({ source: 'constructor' })), 'constructor').rung, 0);
});

test('there is a choice where there is more than one rung', () => {
  assert.equal(hasChoice(null), false);
  assert.equal(hasChoice(known({ rungs: SCREEN.slice(0, 1) })), false);
  assert.equal(hasChoice(known()), true);
});

test('a choice is kept by its source until it is automatic again', () => {
  const chosen = withChoice(withChoice({}, 'screen', 2), 'camera', 0);
  assert.deepEqual(chosen, { screen: 2, camera: 0 });
  assert.equal(chosenRung(chosen, 'camera'), 0);
  assert.equal(chosenRung(chosen, 'toString'), null);
  assert.deepEqual(withChoice(chosen, 'screen', null), { camera: 0 });
});

test('only the daemon’s own step down is called reduced', () => {
  assert.equal(isReduced(null), false);
  assert.equal(isReduced(known()), false);
  assert.equal(isReduced(known({ rung: 1 })), true);
  assert.equal(isReduced(known({ rung: 1, automatic: false })), false);
});

test('a link that is too slow is blamed for what it does not carry', () => {
  const t = translator('en');
  assert.equal(slowKey(null), null);
  assert.equal(slowKey(known({ rung: 2 })), null);
  const smallest = 'Your connection is too slow even for the smallest picture; pictures are left out.';
  assert.equal(t(slowKey(known({ rung: 2, too_slow: true }))), smallest);
  assert.equal(t(slowKey(known({ rung: 2, too_slow: true, automatic: false }))), smallest);
  assert.match(t(slowKey(known({ rung: 0, too_slow: true, automatic: false }))), /for the chosen quality/);
});

test('each rung has a word for what is seen of it, in both languages', () => {
  const words = (rungs, language = 'en') => {
    const ladder = known({ rungs }).rungs;
    return ladder.map((_, index) => translator(language)(rungKey(ladder, index)));
  };
  assert.deepEqual(words(SCREEN), ['Full', 'Sharp but slower', 'Small']);
  assert.deepEqual(words(CAMERA), ['Full', 'Medium', 'Small']);
  assert.deepEqual(words(SCREEN, 'es'), ['Completa', 'Nítida pero más lenta', 'Pequeña']);
  assert.deepEqual(words([rung(1366, 768, 30, 2500), rung(1364, 768, 5, 700)]), ['Full', 'Sharp but slower']);
  assert.deepEqual(words([rung(1280, 720, 30, 2500), rung(1280, 720, 30, 800)]), ['Full', 'Full size, less detail']);
  assert.deepEqual(words(SCREEN.slice(2)), ['Full']);
});

test('a rung’s figures are short, in the person’s own language', () => {
  const [full] = known().rungs;
  assert.equal(formatter('en').rung(full), '1280 × 720, 30/s');
  assert.equal(formatter('es').rung({ ...full, framerate: 7.5 }), '1280 × 720, 7,5/s');
});

test('the arrows go round the menu, and nothing else moves in it', () => {
  const table = [
    ['ArrowDown', 0, 1],
    ['ArrowDown', 3, 0],
    ['ArrowDown', -1, 0],
    ['ArrowUp', 0, 3],
    ['ArrowUp', -1, 3],
    ['Home', 2, 0],
    ['End', 0, 3],
    ['Enter', 1, null],
    ['f', 1, null],
  ];
  for (const [key, from, to] of table) assert.equal(step(key, from, 4), to, `${key} at ${from}`);
});
