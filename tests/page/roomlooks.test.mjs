/** The people's colours: each is read on the page's ground, dark and light, and is read on. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

const read = (name) => readFile(new URL(`../../src/web/page/${name}`, import.meta.url), 'utf8');

/** WCAG 2.2, relative luminance of `#rrggbb`, and the contrast of two. */
function luminance(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test('twelve colours are readable, dark and light', async () => {
  const [people, style] = [await read('people.css'), await read('style.css')];
  const full = (hex) => (hex.length === 4 ? `#${[...hex.slice(1)].map((digit) => digit + digit).join('')}` : hex);
  const grounds = (block) => ['canvas', 'surface', 'raised'].map((name) => full(new RegExp(`--${name}: (#[0-9a-f]+)`).exec(block)[1]));
  const [dark, light] = style.split(':root[data-theme="light"] {');
  const colours = [...people.matchAll(/\[data-colour="(\d+)"\] \{ --person: (#[0-9a-f]{6}); --person-light: (#[0-9a-f]{6}); \}/g)];
  assert.deepEqual(colours.map(([, index]) => Number(index)), Array.from({ length: 12 }, (_, index) => index));
  for (const [, index, fill, onDark] of colours) {
    assert.ok(contrast(fill, '#ffffff') >= 4.5, `white on ${index}`);
    for (const ground of grounds(light)) assert.ok(contrast(fill, ground) >= 4.5, `${index} on ${ground}`);
    for (const ground of grounds(dark)) assert.ok(contrast(onDark, ground) >= 4.5, `${index} on ${ground}`);
  }
  assert.equal(new Set(colours.map(([, , fill]) => fill)).size, 12);
});
