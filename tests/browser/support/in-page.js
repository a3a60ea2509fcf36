// Runs in the page before its own code: keeps hold of its peer connections and looks at its
// pictures. The page knows nothing of it.

(() => {
  const peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }
  };

  const WIDTH = 64;
  const HEIGHT = 36;

  const videoOf = (source) => document.querySelector(`video[data-source="${source}"]`);

  /** Resolves at the next frame that the source's video shows, whichever element that is by then. */
  function nextFrame(source, ms = 15_000) {
    return new Promise((resolve, reject) => {
      let watched;
      const deadline = setTimeout(() => finish(reject, new Error(`no new frame of ${source} within ${ms} ms`)), ms);
      // The page may put another element in its place while we wait.
      const look = () => {
        const video = videoOf(source);
        if (!video || video === watched) return;
        watched = video;
        video.requestVideoFrameCallback((now, metadata) =>
          finish(resolve, { at: Date.now(), ran: performance.now(), video, metadata }),
        );
      };
      const observer = new MutationObserver(look);
      const finish = (settle, value) => {
        clearTimeout(deadline);
        observer.disconnect();
        settle(value);
      };
      observer.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-source'] });
      look();
    });
  }

  /** When the pictures of each followed source were shown. */
  const shown = new Map();

  function follow(source) {
    const times = [];
    shown.set(source, times);
    (async () => {
      for (;;) times.push((await nextFrame(source, 60_000)).at);
    })().catch(() => {});
  }

  /** So many pictures, none of them later than that after the one before, are a steady picture. */
  const STEADY = 25;
  const STEADY_MS = 400;

  async function outage(source, since, ms = 30_000) {
    const times = shown.get(source);
    const deadline = Date.now() + ms;
    for (;;) {
      const from = times.findLastIndex((at) => at <= since);
      const gaps = times.slice(Math.max(0, from) + 1).map((at, index) => at - times[Math.max(0, from) + index]);
      const last = gaps.slice(-STEADY);
      if (last.length === STEADY && last.every((gap) => gap < STEADY_MS)) return Math.max(...gaps);
      if (Date.now() > deadline) throw new Error(`${source} is not steady within ${ms} ms: ${gaps}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });

  /** 64 x 36 of the picture's pixels, red, green and blue of each. */
  function shrink(video) {
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    // Pixels as they are: a mean over many would hide a small clock or noise.
    context.imageSmoothingEnabled = false;
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    return Array.from(context.getImageData(0, 0, WIDTH, HEIGHT).data).filter((_, at) => at % 4 !== 3);
  }

  /** How many of the 2304 pixels are plainly others: what a codec's noise does not do to one. */
  function changed(a, b) {
    let count = 0;
    for (let at = 0; at < a.length; at += 3) {
      if ([0, 1, 2].some((channel) => Math.abs(a[at + channel] - b[at + channel]) > 24)) count += 1;
    }
    return count;
  }

  /** Waits for `count` frames of the source; returns the last one's picture and size. */
  async function picture(source, count = 1) {
    let frame;
    for (let at = 0; at < count; at += 1) frame = await nextFrame(source);
    const { videoWidth: width, videoHeight: height } = frame.video;
    return { width, height, pixels: shrink(frame.video) };
  }

  /** How many pixels the source's picture changes at most, over `count` frames. */
  async function motion(source, count) {
    const first = await picture(source);
    let most = 0;
    for (let at = 0; at < count; at += 1) {
      most = Math.max(most, changed(first.pixels, (await picture(source)).pixels));
    }
    return most;
  }

  // The screen clock's layout: see tests/support/screen_clock.rs.
  const CELL = 32;
  const COLUMNS = 24;
  const ROWS = 2;

  /** The time on the screen clock in the video's present picture, or null if it cannot be read. */
  function readClock(video, screenWidth) {
    const scale = video.videoWidth / screenWidth;
    const [width, height] = [COLUMNS * CELL, ROWS * CELL];
    canvas.width = width;
    canvas.height = height;
    context.drawImage(video, CELL * scale, CELL * scale, width * scale, height * scale, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const bits = [];
    for (let at = 0; at < COLUMNS * ROWS; at += 1) {
      const x = (at % COLUMNS) * CELL;
      const y = Math.floor(at / COLUMNS) * CELL;
      let sum = 0;
      for (let dy = 12; dy < 20; dy += 1) {
        for (let dx = 12; dx < 20; dx += 1) sum += data[((y + dy) * width + x + dx) * 4 + 1];
      }
      bits.push(sum / 64 > 127 ? 1n : 0n);
    }
    const all = bits.reduce((value, bit) => (value << 1n) | bit, 0n);
    const time = all >> 8n;
    let check = 0x5an;
    for (let shift = 56n; shift >= 0n; shift -= 8n) {
      check = (((check << 1n) | (check >> 7n)) & 0xffn) ^ ((time >> shift) & 0xffn);
    }
    return check === (all & 0xffn) ? Number(time) : null;
  }

  /**
   * How old the screen clock's pictures are, in ms: when the browser hands them to its compositor
   * (`composed`), and when the page's frame callback runs (`called`), up to a refresh of the
   * browser's screen later. `kept`: from a picture's last packet to the compositor.
   */
  async function latencies(source, screenWidth, count) {
    const seen = { composed: [], called: [], kept: [] };
    let before = null;
    let unread = 0;
    let frames = 0;
    for (; seen.called.length < count && frames < count * 2; frames += 1) {
      const { at, ran, video, metadata } = await nextFrame(source);
      // Where another picture came while the last one was read, it may be that one that was read.
      const { presentedFrames: number, presentationTime: composed } = metadata;
      if (before?.number === number - 1 && before.read < composed) seen.composed.push(before.age);
      before = null;
      const shown = readClock(video, screenWidth);
      if (shown === null) {
        unread += 1;
        continue;
      }
      const age = (at % 2 ** 40) - shown;
      seen.called.push(age);
      seen.kept.push(composed - metadata.receiveTime);
      before = { number, read: performance.now(), age: age - (ran - composed) };
    }
    return { ...seen, unread, frames };
  }

  /** How loud the source's sound is: its largest root mean square within half a second. */
  async function loudness(source) {
    const { srcObject } = document.querySelector(`audio[data-source="${source}"]`);
    const audio = new AudioContext();
    await audio.resume();
    const analyser = new AnalyserNode(audio, { fftSize: 2048 });
    audio.createMediaStreamSource(srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const until = audio.currentTime + 0.5;
    let loudest = 0;
    while (audio.currentTime < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      loudest = Math.max(loudest, Math.sqrt(power));
    }
    await audio.close();
    return loudest;
  }

  /** What the live peer connections report, each with the codec's name in it. */
  async function stats() {
    const reports = [];
    for (const peer of peers.filter(({ connectionState }) => connectionState !== 'closed')) {
      const report = await peer.getStats();
      for (const entry of report.values()) {
        if (entry.type === 'inbound-rtp') {
          const codec = report.get(entry.codecId)?.mimeType;
          reports.push({ ...entry, codec });
        } else if (entry.type === 'candidate-pair' && entry.nominated) {
          reports.push({ ...entry });
        }
      }
    }
    return reports;
  }

  /** The way that media takes: both ends of the candidate pair in use. */
  async function route() {
    for (const peer of peers.filter(({ connectionState }) => connectionState === 'connected')) {
      const report = await peer.getStats();
      const transport = [...report.values()].find(({ type }) => type === 'transport');
      const pair = report.get(transport?.selectedCandidatePairId);
      if (!pair) continue;
      const end = (id) => {
        const { candidateType, protocol, relayProtocol, address, port } = report.get(id);
        return { candidateType, protocol, relayProtocol, address, port };
      };
      return { local: end(pair.localCandidateId), remote: end(pair.remoteCandidateId) };
    }
    return null;
  }

  window.vitrinaTest = {
    peers, nextFrame, picture, shrink, changed, motion, loudness, readClock, latencies, stats, videoOf, follow, outage, route,
  };
})();
