// Files from page to page: what tests of them share.

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { chromium } from 'playwright-core';
import { CHROMIUM } from './paths.mjs';
import { OPEN } from './stage.mjs';
import { FLAGS, LOOPBACK } from './viewer.mjs';

export const MEETING = { ...OPEN, room: { title: 'Workshop' } };

export async function sha256Of(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A file of so many bytes, no two blocks of which are alike. */
export async function makeFile(folder, name, length) {
  const path = join(folder, name);
  const out = createWriteStream(path);
  const block = randomBytes(1024 * 1024);
  for (let at = 0; at < length; at += block.length) {
    block.writeUInt32LE(at / block.length, 0);
    if (!out.write(Buffer.from(block.subarray(0, length - at)))) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return path;
}

/** Before the page's own code: keeps hold of its channels. */
function holdChannels() {
  window.channels = [];
  const make = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = make.apply(this, args);
    window.channels.push(channel);
    return channel;
  };
}

/** A page in the room. `between` as `Between`, where the test has something to say. */
export async function participant(stage, browser, url, { between, ...options } = {}) {
  const viewer = await stage.viewer(browser, url, {
    ...options,
    before: async (page) => {
      await page.addInitScript(holdChannels);
      await between?.join(page);
    },
  });
  await viewer.connection();
  // On a phone the room is a sheet that is opened first.
  await viewer.part('file-send').waitFor({ state: options.isMobile ? 'attached' : 'visible' });
  return viewer;
}

/**
 * A browser with a profile on the disk: in the private windows that tests have otherwise, the browser keeps
 * the private files in memory.
 */
export async function browserOnDisk(stage) {
  const folder = stage.folder();
  const context = await chromium.launchPersistentContext(folder, { executablePath: CHROMIUM, args: [...FLAGS, ...LOOPBACK], viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  stage.after(() => context.close());
  return { newContext: async () => context, folder };
}

/** The room has so many people in it, as this page sees it. */
export const count = (viewer, people) => viewer.page.waitForFunction((people) => document.querySelector('[data-testid="room-tab-people"]')?.textContent.includes(people), String(people));

/** Chooses files with the button beside the chat: for everybody. */
export async function send(viewer, files) {
  const chooser = viewer.page.waitForEvent('filechooser');
  await viewer.part('file-send').click();
  await (await chooser).setFiles(files);
}

/** The card of a file: by its name, and the direction. */
export const card = (viewer, name) => viewer.part('file').filter({ has: viewer.page.getByText(name, { exact: true }) });

/** Waits until a card is in that phase. */
export const phase = (viewer, name, wanted, ms = 30_000) => card(viewer, name).and(viewer.page.locator(`[data-phase="${wanted}"]`)).first().waitFor({ timeout: ms });

/** Waits until so many bytes of a file have arrived, or are known to have. */
export const bytes = (viewer, name, least) =>
  viewer.page.waitForFunction(
    ([name, least]) => [...document.querySelectorAll('[data-testid="file"]')].some((card) => card.querySelector('[data-testid="file-name"]').textContent === name && Number(card.dataset.bytes) >= least),
    [name, least],
  );

/** Saves what has come, and gives the path of what the browser has put on the disk. */
export async function save(viewer, name) {
  const download = viewer.page.waitForEvent('download');
  await card(viewer, name).getByTestId('file-save').click();
  const saved = await download;
  return { path: await saved.path(), name: saved.suggestedFilename() };
}

/** The names in the page's private files. */
export const kept = (viewer) =>
  viewer.page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('vitrina-received', { create: true });
    const names = [];
    for await (const name of folder.keys()) names.push(name);
    return names;
  });

/** The processes that this one has started, and those that they have: `{ pid, command }`. */
function descendants(pid) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      // The name before may have anything in it.
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]);
      return [{ pid: Number(name), parent, command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
    } catch {
      return [];
    }
  });
  const of = (pid) => all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...of(child.pid)]);
  return of(pid);
}

/** The page processes of a browser with that profile. */
export function pagesOf(folder) {
  const browser = descendants(process.pid).find(({ command }) => command.includes(`--user-data-dir=${folder}`) && !command.includes('--type='));
  return descendants(browser.pid).filter(({ command }) => command.includes('--type=renderer')).map(({ pid }) => pid);
}

/** The largest of those processes, in bytes: resident, without what it shares with others. */
export function memoryOf(pids) {
  return Math.max(...pids.map((pid) => {
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
    return (resident - shared) * 4096;
  }));
}
