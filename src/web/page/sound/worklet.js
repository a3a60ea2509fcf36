/** Runs on the audio thread: plays what the jitter buffer holds. */

import { JitterBuffer } from './jitter.js';

registerProcessor(
  'vitrina-opus',
  class extends AudioWorkletProcessor {
    #buffer = new JitterBuffer(sampleRate);
    #over = false;

    constructor() {
      super();
      this.port.onmessage = ({ data }) => {
        if (data === null) this.#over = true;
        else this.#buffer.push(data);
      };
    }

    process(_, [output]) {
      this.#buffer.pull(output);
      return !this.#over;
    }
  },
);
