// Firefox by WebDriver BiDi, and a page in it.

import puppeteer from 'puppeteer-core';
import { FIREFOX } from './paths.mjs';
import { IN_PAGE, Viewer } from './viewer.mjs';

/**
 * Media within this machine, and pictures and sound without a click. A page without a camera has
 * no candidate on loopback in Firefox, and hides its others behind names: so the daemon, which is
 * on loopback alone here, has to see them.
 */
const PREFERENCES = {
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
};

export async function launchFirefox(stage) {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    acceptInsecureCerts: true,
    extraPrefsFirefox: PREFERENCES,
    // A profile in a folder of its own, so that it is gone afterwards.
    userDataDir: stage.folder(),
  });
  stage.after(() => browser.close());
  return browser;
}

/** The same questions to a page in Firefox. */
export class FirefoxViewer extends Viewer {
  static async open(stage, browser, url) {
    const viewer = new FirefoxViewer();
    viewer.page = await browser.newPage();
    viewer.page.on('pageerror', (error) => viewer.errors.push(`uncaught: ${error.stack ?? error}`));
    viewer.page.on('console', (message) => {
      if (message.type() === 'error') viewer.errors.push(`console: ${message.text()}`);
    });
    await viewer.page.evaluateOnNewDocument(IN_PAGE);
    await viewer.page.goto(url);
    stage.after(async () => {
      await viewer.close();
      viewer.assertNoErrors();
    });
    return viewer;
  }

  async connection(state = 'connected', ms = 30_000) {
    await this.page.waitForSelector(`html[data-connection="${state}"]`, { timeout: ms });
  }

  async close() {
    if (!this.page.isClosed()) await this.page.close();
  }
}
