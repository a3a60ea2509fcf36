// A large file from page to page, beside what the bare data channel reaches between the same two pages: how fast, and how
// much memory it takes.

import assert from 'node:assert/strict';
import { browserOnDisk, card, count, makeFile, memoryOf, pagesOf, participant, phase, save, send, sha256Of } from './files.mjs';

const MB = 1e6;
/** The page may grow by this much, however large the file: two windows, the worker, and what waits for the collector. */
const HEAP_BOUND = 64 * MB;
const PROCESS_BOUND = 200 * MB;
/** Of what a bare channel reaches in the same run. */
const LEAST_SHARE = 0.5;

/** In the page: one end of a bare data channel. `start` gives an offer or an answer with its candidates. */
function bareEnd() {
  const CHUNK = 16 * 1024;
  let connection;
  let channel;
  const gathered = () =>
    new Promise((resolve) => {
      const look = () => connection.iceGatheringState === 'complete' && resolve(connection.localDescription.sdp);
      connection.addEventListener('icegatheringstatechange', look);
      look();
    });
  window.bare = {
    async offer() {
      connection = new RTCPeerConnection();
      channel = connection.createDataChannel('bare');
      await connection.setLocalDescription();
      return gathered();
    },
    async answer(sdp, length) {
      connection = new RTCPeerConnection();
      let got = 0;
      this.received = new Promise((resolve) => {
        connection.ondatachannel = (event) => {
          event.channel.binaryType = 'arraybuffer';
          event.channel.onmessage = ({ data }) => {
            got += data.byteLength;
            if (got >= length) resolve();
          };
        };
      });
      await connection.setRemoteDescription({ type: 'offer', sdp });
      await connection.setLocalDescription();
      return gathered();
    },
    async send(sdp, length) {
      await connection.setRemoteDescription({ type: 'answer', sdp });
      if (channel.readyState !== 'open') await new Promise((resolve) => (channel.onopen = resolve));
      const chunk = new Uint8Array(CHUNK);
      let sent = 0;
      channel.bufferedAmountLowThreshold = 256 * 1024;
      const pump = () => {
        while (sent < length && channel.bufferedAmount < 1024 * 1024) {
          channel.send(chunk);
          sent += CHUNK;
        }
      };
      channel.onbufferedamountlow = pump;
      pump();
    },
    end: () => connection.close(),
  };
}

/** Bytes a second over a bare channel. */
async function bareRate(from, to, length) {
  for (const { page } of [from, to]) await page.evaluate(bareEnd);
  const offer = await from.page.evaluate(() => window.bare.offer());
  const answer = await to.page.evaluate(([sdp, length]) => window.bare.answer(sdp, length), [offer, length]);
  const begun = performance.now();
  await from.page.evaluate(([sdp, length]) => window.bare.send(sdp, length), [answer, length]);
  await to.page.evaluate(() => window.bare.received);
  const rate = (length * 1000) / (performance.now() - begun);
  for (const { page } of [from, to]) await page.evaluate(() => window.bare.end());
  return rate;
}

/** Looks every now and then how large the pages are. @returns {() => Promise<{heap: number, process: number}>} by how much they have grown at most */
async function watchMemory(ends) {
  const watched = ends.map(({ viewer, browser }) => ({ viewer, pids: pagesOf(browser.folder) }));
  const now = () =>
    Promise.all(
      watched.map(async ({ viewer, pids }) => ({
        heap: await viewer.page.evaluate(() => performance.memory.usedJSHeapSize),
        process: memoryOf(pids),
      })),
    );
  const before = await now();
  const most = before.map((each) => ({ ...each }));
  let watching = true;
  const done = (async () => {
    while (watching) {
      (await now()).forEach((each, at) => {
        most[at].heap = Math.max(most[at].heap, each.heap);
        most[at].process = Math.max(most[at].process, each.process);
      });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  })();
  return async () => {
    watching = false;
    await done;
    return Object.fromEntries(['heap', 'process'].map((what) => [what, Math.max(...most.map((each, at) => each[what] - before[at][what]))]));
  };
}

/**
 * Sends `length` bytes, and `bareLength` before and after over a bare channel. Asserts that what arrives is what was sent, the
 * rate and the bounds; returns the figures.
 */
export async function bigFile(stage, url, length, bareLength) {
  const path = await makeFile(stage.folder(), 'big.bin', length);
  const ends = [];
  for (let n = 0; n < 2; n += 1) {
    const browser = await browserOnDisk(stage);
    ends.push({ browser, viewer: await participant(stage, browser, url) });
  }
  const [from, to] = ends.map(({ viewer }) => viewer);
  await count(from, 2);
  const before = await bareRate(from, to, bareLength);
  const grown = await watchMemory(ends);
  await send(from, path);
  await phase(to, 'big.bin', 'offered');
  const begun = performance.now();
  await card(to, 'big.bin').getByTestId('file-accept').click();
  await phase(to, 'big.bin', 'done', 600_000);
  const rate = (length * 1000) / (performance.now() - begun);
  const { heap, process } = await grown();
  const after = await bareRate(from, to, bareLength);
  await phase(from, 'big.bin', 'done');
  const saved = await save(to, 'big.bin');
  assert.equal(await sha256Of(saved.path), await sha256Of(path), 'what arrived is what was sent');

  const bare = (before + after) / 2;
  const mb = (bytes) => (bytes / MB).toFixed(1);
  const said = `${mb(length)} MB: ${mb(rate)} MB/s; bare channel ${mb(before)} before and ${mb(after)} after; the page grew by ${mb(heap)} MB (heap), ${mb(process)} MB (process)`;
  assert.ok(rate >= bare * LEAST_SHARE, said);
  assert.ok(heap < HEAP_BOUND && process < PROCESS_BOUND, said);
  return said;
}
