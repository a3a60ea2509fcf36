// Runs in the page before its own code: what calls leave behind, and what comes of each person.

(() => {
  /** Every track that the page was given by a device or by the screen. */
  const given = [];
  const { mediaDevices } = navigator;
  for (const name of ['getUserMedia', 'getDisplayMedia']) {
    const ask = mediaDevices?.[name]?.bind(mediaDevices);
    if (ask === undefined) continue;
    mediaDevices[name] = async (...wish) => {
      const stream = await ask(...wish);
      given.push(...stream.getTracks());
      return stream;
    };
  }

  const contexts = [];
  const Context = globalThis.AudioContext;
  globalThis.AudioContext = class extends Context {
    constructor(...options) {
      super(...options);
      contexts.push(this);
    }
  };

  const tileOf = (name, what = 'camera') =>
    [...document.querySelectorAll(`[data-testid="call-tile"][data-what="${what}"]`)].find(
      (tile) => tile.querySelector('.tile__title').textContent.startsWith(name),
    ) ?? null;

  /** What a tile shows: its track, or what the daemon passes on; null before there is a picture. */
  function shown(tile) {
    const video = tile?.querySelector('video') ?? null;
    const relayed = tile?.dataset.relayed === 'true' ? tile.querySelector('canvas') : null;
    if (relayed !== null) return relayed.hidden ? null : relayed;
    return (video?.videoWidth ?? 0) === 0 ? null : video;
  }

  /** Every how many-th pixel of it now. */
  function pixels(picture) {
    const canvas = new OffscreenCanvas(64, 36);
    const brush = canvas.getContext('2d', { willReadFrequently: true });
    brush.drawImage(picture, 0, 0, 64, 36);
    return brush.getImageData(0, 0, 64, 36).data;
  }

  /** Waits until a tile's picture has changed so often; fails when it does not. */
  async function moves(name, what = 'camera', times = 3, ms = 20_000) {
    const end = performance.now() + ms;
    let last = null;
    let changes = 0;
    while (changes < times) {
      if (performance.now() > end) throw new Error(`${name}: ${what} has changed ${changes} times in ${ms} ms`);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const picture = shown(tileOf(name, what));
      if (picture === null) continue;
      const now = pixels(picture);
      if (last !== null && now.some((value, at) => Math.abs(value - last[at]) > 24)) changes += 1;
      if (last === null || changes > 0) last = now;
      last ??= now;
    }
    return changes;
  }

  /** The loudest of what is played of that person within so long, or until it is enough; 0 where it is muted. */
  async function loudness(name, ms = 1500, enough = Infinity) {
    const audio = tileOf(name).querySelector('audio');
    if (audio.muted || audio.paused || audio.srcObject === null) return 0;
    const context = new Context();
    const analyser = new AnalyserNode(context, { fftSize: 2048 });
    context.createMediaStreamSource(audio.srcObject).connect(analyser);
    await context.resume();
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    while (context.currentTime < ms / 1000 && loudest < enough) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      analyser.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
    }
    await context.close();
    return loudest;
  }

  window.vitrinaCall = {
    given,
    tileOf,
    moves,
    loudness,
    /** What is still there of calls: connections other than that of the sources, tracks, contexts. */
    left: () => ({
      peers: window.vitrinaTest.peers.filter(({ signalingState }) => signalingState !== 'closed').length,
      tracks: given.filter(({ readyState }) => readyState === 'live').length,
      contexts: contexts.filter(({ state }) => state !== 'closed').length,
      tiles: document.querySelectorAll('[data-testid="call-tile"]').length,
    }),
  };
})();
