// A person in a call: a page in a browser with a camera and a microphone that nobody has.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOOPBACK } from './viewer.mjs';

const IN_PAGE = readFileSync(new URL('./in-page-call.js', import.meta.url), 'utf8');

/** A camera that turns and a microphone that beeps; whoever asks gets them. */
export const DEVICES = { flags: [...LOOPBACK, '--use-fake-device-for-media-stream=display-media-type=monitor', '--use-fake-ui-for-media-stream'] };

/** The same with a microphone into which somebody speaks: syllables, as far as a program can tell. */
export function speakingDevices(folder) {
  const rate = 48_000;
  const count = 4 * rate;
  const wave = Buffer.alloc(44 + 2 * count);
  wave.write('RIFF', 0);
  wave.writeUInt32LE(36 + 2 * count, 4);
  wave.write('WAVEfmt ', 8);
  wave.writeUInt32LE(16, 16);
  // PCM, one channel, so many samples a second of two bytes each.
  wave.writeUInt16LE(1, 20);
  wave.writeUInt16LE(1, 22);
  wave.writeUInt32LE(rate, 24);
  wave.writeUInt32LE(2 * rate, 28);
  wave.writeUInt16LE(2, 32);
  wave.writeUInt16LE(16, 34);
  wave.write('data', 36);
  wave.writeUInt32LE(2 * count, 40);
  let phase = 0;
  for (let at = 0; at < count; at += 1) {
    const seconds = at / rate;
    const within = (seconds % 0.5) / 0.5;
    const loud = within < 0.7 ? Math.sin((Math.PI * within) / 0.7) : 0;
    phase += (2 * Math.PI * (140 + 60 * Math.sin(2 * seconds) + 30 * Math.sin(17 * seconds))) / rate;
    const voice = Math.sin(phase) + 0.6 * Math.sin(3 * phase) + 0.4 * Math.sin(7 * phase) + 0.2 * Math.sin(15 * phase);
    wave.writeInt16LE(Math.round(12_000 * loud * (voice / 2.2)), 44 + 2 * at);
  }
  const file = join(folder, 'speech.wav');
  writeFileSync(file, wave);
  return { flags: [...DEVICES.flags, `--use-file-for-fake-audio-capture=${file}`] };
}

/** The devices, but the browser asks: a page without the permission is refused. */
export const ASKING = { flags: [...LOOPBACK, '--use-fake-device-for-media-stream'] };

/** In the page: as behind firewalls that let nothing pass, without a relay. */
export function throughRelaysAlone() {
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(settings) {
      super({ ...settings, iceTransportPolicy: 'relay' });
    }
  };
}

/** Only a room, and nothing to watch. */
export const MEETING = { room: { title: 'Meeting' } };

export class Caller {
  /** @param {import('./stage.mjs').Stage} stage @param {Function} [options.inPage] runs there before the page's own code */
  static async open(stage, browser, url, name, { expect = [], permissions = ['camera', 'microphone'], inPage, ...options } = {}) {
    const caller = new Caller();
    caller.name = name;
    const before = async (page) => {
      await page.addInitScript(IN_PAGE);
      if (inPage !== undefined) await page.addInitScript(inPage);
      await page.addInitScript((roomName) => {
        if (localStorage.getItem('vitrina.settings') === null) localStorage.setItem('vitrina.settings', JSON.stringify({ roomName }));
      }, name);
    };
    caller.viewer = await stage.viewer(browser, url, { expect, before, permissions, ...options });
    caller.page = caller.viewer.page;
    await caller.viewer.connection();
    await caller.part('call-open').waitFor();
    return caller;
  }

  part(name) {
    return this.page.getByTestId(name);
  }

  /** Presses what offers the call, and waits until the devices have answered. */
  async knock() {
    await this.part('call-open').click();
    await this.page.waitForSelector('[data-testid="join"][open][data-asking="false"]');
  }

  /** Joins; `camera` false: without one. */
  async join({ camera = true } = {}) {
    await this.knock();
    if (!camera) {
      await this.part('join-camera').click();
      await this.page.waitForSelector('[data-testid="join-camera"][data-on="false"]');
    }
    await this.part('join-confirm').click();
    await this.inCall();
  }

  async inCall() {
    await this.page.waitForSelector('[data-testid="call"]:not([hidden])').catch(async (error) => {
      const said = await this.page.getByTestId('toast').allTextContents();
      const state = await this.page.evaluate(() => ({ ...document.documentElement.dataset, dialog: document.querySelector('dialog[open]')?.id ?? null }));
      throw new Error(`${this.name} is not in the call: ${JSON.stringify({ said, state })}`, { cause: error });
    });
  }

  async leave() {
    await this.part('call-leave').click();
    await this.page.waitForSelector('[data-testid="call"]', { state: 'hidden' });
  }

  #ask(name, ...args) {
    return this.page.evaluate(([name, args]) => window.vitrinaCall[name](...args), [name, args]);
  }

  /** Waits until that person's picture moves. */
  moves(name, what = 'camera') {
    return this.#ask('moves', name, what);
  }

  loudness(name, ms) {
    return this.#ask('loudness', name, ms);
  }

  /** Fails where that person is not heard soon. */
  async hears(name) {
    const loudest = await this.#ask('loudness', name, 8000, 0.02);
    assert.ok(loudest >= 0.02, `${this.name} hears ${name}: ${loudest}`);
  }

  left() {
    return this.#ask('left');
  }

  /** Waits until that person's tile has these data attributes. */
  async tile(name, data = {}, { what = 'camera', timeout = 20_000 } = {}) {
    const wanted = [name, what, data];
    const has = ([name, what, data]) => {
      const tile = window.vitrinaCall.tileOf(name, what);
      return tile !== null && Object.entries(data).every(([key, value]) => tile.dataset[key] === String(value));
    };
    await this.page.waitForFunction(has, wanted, { timeout }).catch(async (error) => {
      const is = await this.page.evaluate(([name, what]) => ({ ...window.vitrinaCall.tileOf(name, what)?.dataset }), wanted);
      throw new Error(`${this.name} sees ${JSON.stringify(is)} of ${name} and not ${JSON.stringify(data)}`, { cause: error });
    });
  }

  /** Waits until there is no tile of that person. */
  async gone(name, timeout = 20_000) {
    await this.page.waitForFunction((name) => window.vitrinaCall.tileOf(name) === null, name, { timeout });
  }

  /** Waits until nothing of a call is left in this page. */
  async clean() {
    await this.page.waitForFunction(() => Object.values(window.vitrinaCall.left()).every((count) => count === 0)).catch(async (error) => {
      throw new Error(`left behind: ${JSON.stringify(await this.left())}`, { cause: error });
    });
  }
}
