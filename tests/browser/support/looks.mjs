// How the page looks: pictures for a person, in tests/out/screenshots, and what a program can see.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OUT } from './paths.mjs';

const FOLDER = join(OUT, 'screenshots');
/** The sizes of a desk and a phone. */
export const SIZES = [
  { name: 'desktop', viewport: { width: 1440, height: 900 } },
  { name: 'phone', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
];

/** What no page may have: things beyond its edge, controls without a name, words that are cut. */
function blemishes() {
  const found = [];
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth} wide in a window of ${clientWidth}`);
  const seen = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && element.getClientRects().length > 0;
  for (const control of document.querySelectorAll('button, input, select, summary, a[href], [role="button"]')) {
    if (!seen(control)) continue;
    const name = control.getAttribute('aria-label') ?? control.labels?.[0]?.textContent ?? control.textContent;
    if (!name.trim()) found.push(`no name: ${control.outerHTML.slice(0, 120)}`);
    const box = control.getBoundingClientRect();
    if (box.right > clientWidth + 1 || box.left < -1) found.push(`beyond the edge: ${name.trim()}`);
  }
  for (const image of document.querySelectorAll('img:not([alt])')) found.push(`no alternative text: ${image.outerHTML.slice(0, 120)}`);
  for (const element of document.querySelectorAll('p, h1, h2, h3, button, dt')) {
    if (seen(element) && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow === 'hidden' && getComputedStyle(element).textOverflow !== 'ellipsis') {
      found.push(`cut: ${element.textContent}`);
    }
  }
  return found;
}

/** Waits until nothing is on its way to its place any more. */
export const settled = (viewer) =>
  viewer.page.waitForFunction(
    () => !document.getAnimations().some(({ effect }) => effect.target.matches('[data-testid="tile"], [data-testid="reduced"], .menu, .unblock, .dialog, .card, .panel, .face, [data-testid="call-tile"], .callbar')),
  );

export async function look(viewer, name) {
  await settled(viewer);
  mkdirSync(FOLDER, { recursive: true });
  await viewer.page.screenshot({ path: join(FOLDER, `${name}.png`) });
  assert.deepEqual(await viewer.page.evaluate(blemishes), [], name);
}
