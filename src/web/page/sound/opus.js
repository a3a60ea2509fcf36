/**
 * Sound that comes as Opus frames (RFC 6716) by the WebSocket: decoded by WebCodecs, played through a
 * jitter buffer on the audio thread. One audio context for all sources.
 */

const RATE = 48_000;
/** Frames that wait for the decoder beyond this are left out: it does not keep up. */
const MOST_DECODING = 10;

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
 */
export function createSpeakers({ blocked }, browser = globalThis) {
  let context = null;
  let ready = null;

  function open() {
    if (context !== null) return;
    context = new browser.AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
    ready = context.audioWorklet.addModule('/sound/worklet.js');
    ready.catch((error) => console.warn('sound:', error.message));
  }

  return {
    /** After a click: what was blocked plays. */
    resume: () => context?.resume().catch(() => {}),

    /** The sound of one source. */
    voice() {
      open();
      const gain = context.createGain();
      gain.connect(context.destination);
      let node = null;
      let decoder = null;
      let over = false;
      let level = 0;
      void ready
        .then(() => {
          if (over) return;
          node = new browser.AudioWorkletNode(context, 'vitrina-opus', { numberOfInputs: 0, outputChannelCount: [2] });
          node.connect(gain);
        })
        .catch(() => {});

      function play(audio) {
        const channels = [];
        for (let index = 0; index < audio.numberOfChannels; index += 1) {
          const samples = new Float32Array(audio.numberOfFrames);
          audio.copyTo(samples, { planeIndex: index, format: 'f32-planar' });
          channels.push(samples);
        }
        audio.close();
        level = loudness(channels[0]);
        // Until the browser lets it play nothing is kept: it would be old by then.
        if (context.state === 'running') node?.port.postMessage(channels, channels.map(({ buffer }) => buffer));
        else blocked();
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
          gain.gain.value = muted ? 0 : volume;
        },
        get level() {
          return level;
        },
        close() {
          over = true;
          if (decoder !== null && decoder.state !== 'closed') decoder.close();
          node?.port.postMessage(null);
          node?.disconnect();
          gain.disconnect();
        },
      };
    },
  };
}
