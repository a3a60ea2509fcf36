/** Sound by the WebSocket: when a click is asked for, and what becomes of a worklet that does not come. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createSpeakers } from '../../src/web/page/sound/opus.js';
import { settle } from './fakes.mjs';

/** Speakers in a browser of the test's: what it loads and when it lets something play. */
function begin({ state = 'suspended', fails = false } = {}) {
  const run = { time: 0, contexts: [], blocked: 0, played: 0, fails };
  class Gain {
    gain = { value: 1 };
    connect() {}
    disconnect() {}
  }
  class AudioContext {
    state = state;
    audioWorklet = { addModule: async () => run.fails && Promise.reject(new Error('offline')) };
    resume = () => new Promise((resolve) => (this.plays = () => resolve((this.state = 'running'))));
    close = async () => (this.state = 'closed');
    createGain = () => (this.gain = new Gain());
    constructor() {
      run.contexts.push(this);
    }
  }
  class AudioWorkletNode {
    port = { postMessage: (samples) => (run.played += samples === null ? 0 : 1) };
    connect() {}
    disconnect() {}
  }
  class AudioDecoder {
    decodeQueueSize = 0;
    constructor({ output }) {
      this.output = output;
    }
    configure() {}
    decode() {
      this.output({ numberOfChannels: 2, numberOfFrames: 1, copyTo: (samples) => samples.fill(0.5), close() {} });
    }
    close() {}
  }
  const browser = { AudioContext, AudioWorkletNode, AudioDecoder, EncodedAudioChunk: class {} };
  run.speakers = createSpeakers({ blocked: () => (run.blocked += 1) }, browser, () => run.time);
  run.voice = run.speakers.voice();
  run.hear = () => run.voice.hear({ timeMs: run.time, data: new Uint8Array(1) });
  return run;
}

test('a click is asked for until it is given, and not while the browser acts on it', async () => {
  const run = begin();
  await settle();
  run.hear();
  assert.deepEqual([run.blocked, run.played], [1, 0]);
  run.speakers.resume();
  run.hear();
  run.time = 1000;
  run.hear();
  assert.equal(run.blocked, 1, 'it is on its way');
  run.contexts[0].plays();
  await settle();
  run.hear();
  assert.deepEqual([run.blocked, run.played], [1, 1]);
});

test('a click that was not enough is asked for again', async () => {
  const run = begin();
  await settle();
  run.speakers.resume();
  run.time = 3000;
  run.hear();
  assert.equal(run.blocked, 1);
});

test('a worklet that could not be loaded is loaded again, and the voice goes on as loud as it was', async (t) => {
  t.mock.method(console, 'warn', () => {});
  for (const how of ['later', 'at a click']) {
    const run = begin({ state: 'running', fails: true });
    run.voice.set({ muted: false, volume: 0.25 });
    await settle();
    assert.equal(run.contexts[0].state, 'closed');
    run.fails = false;
    run.hear();
    assert.deepEqual([run.contexts.length, run.blocked], [1, 0], 'not with each frame');
    if (how === 'later') run.time = 6000;
    else run.speakers.resume();
    run.hear();
    await settle();
    run.hear();
    assert.deepEqual([run.contexts.length, run.contexts[1].gain.gain.value, run.played], [2, 0.25, 1], how);
    run.voice.close();
  }
});
