// One page in a browser, as a person would have it open, and what a test asks of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { CHROMIUM } from './paths.mjs';

export const IN_PAGE = readFileSync(new URL('./in-page.js', import.meta.url), 'utf8');

/** Flags without which Chromium does not run as root, and looks after itself on the network. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  // The daemon's certificate is its own. Playwright's `ignoreHTTPSErrors` reaches a busy machine's first
  // page after it has begun to load, which then never gets its parts.
  '--ignore-certificate-errors',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // As for a person who has never been here: no sound before a click.
  '--autoplay-policy=document-user-activation-required',
];

/** Without these it speaks no WebRTC over loopback. */
export const LOOPBACK = ['--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection'];

/** Chromium for this machine's loopback, or as `executablePath` and `flags` say. */
export function launchChromium({ executablePath = CHROMIUM, flags = LOOPBACK } = {}) {
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
}

export class Viewer {
  /** What went wrong in the page: uncaught errors and the console's. */
  errors = [];
  #expected = [];

  static async open(browser, url, { expect = [], before, ...options } = {}) {
    const viewer = new Viewer();
    viewer.#expected = expect;
    viewer.context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: 'en-GB',
      ...options,
    });
    viewer.page = await viewer.context.newPage();
    viewer.page.on('pageerror', (error) => viewer.errors.push(`uncaught: ${error.stack ?? error}`));
    viewer.page.on('console', (message) => {
      if (message.type() === 'error') viewer.errors.push(`console: ${message.text()} (${message.location().url})`);
    });
    // The page is complete in itself: it asks no other host for anything.
    const { origin } = new URL(url);
    viewer.page.on('request', (request) => {
      const { protocol, origin: asked } = new URL(request.url());
      if (protocol.startsWith('http') && asked !== origin) viewer.errors.push(`asked ${asked} for something`);
    });
    await viewer.page.addInitScript(IN_PAGE);
    await before?.(viewer.page);
    await viewer.page.goto(url);
    return viewer;
  }

  /** Fails when the page has reported an error that is not one of the expected patterns. */
  assertNoErrors() {
    const unexpected = this.errors.filter((error) => !this.#expected.some((pattern) => pattern.test(error)));
    assert.deepEqual(unexpected, [], 'the page reported errors');
  }

  /** Waits until the page is `connecting`, `connected`, `reconnecting`, `signed-out`, ... */
  async connection(state = 'connected', ms = 30_000) {
    const wanted = this.page.waitForSelector(`html[data-connection="${state}"]`, { state: 'attached', timeout: ms });
    await wanted.catch(async (error) => {
      const is = await this.page.getAttribute('html', 'data-connection');
      throw new Error(`the page is ${is} and not ${state}; it reported: ${this.errors.join('; ') || 'nothing'}`, { cause: error });
    });
  }

  /** Waits until the source's tile says `idle`, `starting`, `live` or `failed`. */
  async source(name, state, ms = 30_000) {
    const tile = `[data-testid="tile"][data-source="${name}"][data-state="${state}"]`;
    await this.page.waitForSelector(tile, { state: 'attached', timeout: ms });
  }

  /** A part of the page by its `data-testid`. */
  part(name) {
    return this.page.getByTestId(name);
  }

  /** Calls a function of in-page.js. */
  #ask(name, ...args) {
    return this.page.evaluate(([name, args]) => window.vitrinaTest[name](...args), [name, args]);
  }

  /** The source's next picture (or the `count`th from now): `{ width, height, pixels }`. */
  picture(source, count = 1) {
    return this.#ask('picture', source, count);
  }

  motion(source, count = 30) {
    return this.#ask('motion', source, count);
  }

  /** Clicks where the page asks for a click before sound. */
  async turnOnSound() {
    const button = this.part('sound-unblock');
    if (await button.isVisible()) await button.click();
  }

  /** The largest root mean square of the source's sound within half a second, of 1. */
  loudness(source) {
    return this.#ask('loudness', source);
  }

  /** `{ local, remote }`: the candidates of the path that media takes; null without one. */
  route() {
    return this.#ask('route');
  }

  stats() {
    return this.#ask('stats');
  }

  /** Begins to note when the source's pictures are shown. */
  follow(source) {
    return this.#ask('follow', source);
  }

  /**
   * The longest time without a picture of a source that is followed, in ms, from `since`
   * (`Date.now()`) until pictures come steadily again.
   */
  outage(source, since) {
    return this.#ask('outage', source, since);
  }

  latencies(source, screenWidth, count) {
    return this.#ask('latencies', source, screenWidth, count);
  }

  /** The live inbound streams of that kind, `video` or `audio`. */
  async inbound(kind) {
    return (await this.stats()).filter((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
  }

  /** Asserts that the source's pictures are there and change. */
  async assertMoves(source, { frames = 30, least = 5 } = {}) {
    const moved = await this.motion(source, frames);
    assert.ok(moved >= least, `${source} stands still: ${moved} of 2304 pixels changed over ${frames} frames`);
    return moved;
  }

  async close() {
    await this.context.close();
  }
}

/** The mean difference of two pictures' values, 0 to 255. */
export function difference(a, b) {
  return a.pixels.reduce((sum, value, at) => sum + Math.abs(value - b.pixels[at]), 0) / a.pixels.length;
}
