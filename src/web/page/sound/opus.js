/**
 * Sound that comes as Opus frames (RFC 6716) by the WebSocket: decoded by WebCodecs, played through a
 * jitter buffer on the audio thread. One audio context for all sources.
 */

const RATE = 48_000;
/** Frames that wait for the decoder beyond this are left out: it does not keep up. */
const MOST_DECODING = 10;
/** A browser that wants yet another click leaves the one that was given without an answer. */
const RESUME_MS = 2000;
/** What could not be loaded is tried again after so long, or at a click. */
const AGAIN_MS = 5000;

/**
 * Whether this browser decodes it: WebCodecs and worklets are there only where the page is secure.
 * @param {object} [browser]
 */
export const hasOpus = (browser = globalThis) =>
  typeof browser.AudioDecoder === 'function' && typeof browser.AudioWorkletNode === 'function';

/** The root mean square of samples. */
export const loudness = (samples) =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length));

/**
 * @param {object} on
 * @param {() => void} on.blocked the browser wants a click before it plays
 * @param {object} [browser] for tests
 * @param {() => number} [now] in ms
 */
export function createSpeakers({ blocked }, browser = globalThis, now = () => performance.now()) {
  let context = null;
  let ready = null;
  /** When the worklet could not be loaded; when the browser was last asked to play. */
  let failedMs = -Infinity;
  let askedMs = -Infinity;

  function open() {
    if (context !== null || now() - failedMs < AGAIN_MS) return context;
    const mine = new browser.AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
    context = mine;
    ready = mine.audioWorklet.addModule('/sound/worklet.js');
    ready.catch((error) => {
      console.warn('sound:', error.message);
      failedMs = now();
      context = null;
      mine.close().catch(() => {});
    });
    return mine;
  }

  return {
    /** After a click: what was blocked plays, and what could not be loaded is loaded again. */
    resume() {
      failedMs = -Infinity;
      if (context === null) return;
      askedMs = now();
      context
        .resume()
        .catch(() => {})
        .finally(() => (askedMs = -Infinity));
    },

    /** The sound of one source. */
    voice() {
      /** Where it is played: `{context, gain, node}`; null where there is no context. */
      let way = null;
      let loud = 1;
      let decoder = null;
      let over = false;
      let level = 0;

      /** Has it played by the context that there is, which may be another one after a failure. */
      function connect() {
        const mine = open();
        if (way !== null && way.context === mine) return;
        way = null;
        if (mine === null) return;
        const gain = mine.createGain();
        gain.gain.value = loud;
        gain.connect(mine.destination);
        const made = { context: mine, gain, node: null };
        way = made;
        void ready
          .then(() => {
            if (over) return;
            made.node = new browser.AudioWorkletNode(mine, 'vitrina-opus', { numberOfInputs: 0, outputChannelCount: [2] });
            made.node.connect(gain);
          })
          .catch(() => {});
      }
      connect();

      function play(audio) {
        const channels = [];
        for (let index = 0; index < audio.numberOfChannels; index += 1) {
          const samples = new Float32Array(audio.numberOfFrames);
          audio.copyTo(samples, { planeIndex: index, format: 'f32-planar' });
          channels.push(samples);
        }
        audio.close();
        level = loudness(channels[0]);
        connect();
        if (way === null) return;
        // Until the browser lets it play nothing is kept: it would be old by then.
        if (way.context.state === 'running') way.node?.port.postMessage(channels, channels.map(({ buffer }) => buffer));
        // Right after the click it does not play yet.
        else if (now() - askedMs >= RESUME_MS) blocked();
      }

      /** A decoder that has failed is closed; the next frame gets another. */
      function decoding() {
        if (decoder !== null && decoder.state !== 'closed') return decoder;
        decoder = new browser.AudioDecoder({ output: play, error: (error) => console.warn('sound:', error.message) });
        decoder.configure({ codec: 'opus', sampleRate: RATE, numberOfChannels: 2 });
        return decoder;
      }

      return {
        /** @param {{timeMs: number, data: Uint8Array}} frame */
        hear({ timeMs, data }) {
          if (over || decoding().decodeQueueSize > MOST_DECODING) return;
          // Every Opus packet can be decoded by itself.
          decoder.decode(new browser.EncodedAudioChunk({ type: 'key', timestamp: timeMs * 1000, data }));
        },
        set({ muted, volume }) {
          loud = muted ? 0 : volume;
          if (way !== null) way.gain.gain.value = loud;
        },
        get level() {
          return level;
        },
        close() {
          over = true;
          if (decoder !== null && decoder.state !== 'closed') decoder.close();
          way?.node?.port.postMessage(null);
          way?.node?.disconnect();
          way?.gain.disconnect();
        },
      };
    },
  };
}
