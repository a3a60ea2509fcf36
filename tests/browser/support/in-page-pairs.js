// Runs in the page, with its own modules: two pairs in one page, whose signals are held up at random.

import { createPair, pageName } from '/call/pair.js';

const timers = {
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
};

/** A camera that nobody has: a canvas that changes. */
export function drawnCamera(hue, width = 320, height = 180) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const brush = canvas.getContext('2d');
  let frame = 0;
  setInterval(() => {
    frame += 1;
    brush.fillStyle = `hsl(${(hue + frame * 9) % 360} 70% 50%)`;
    brush.fillRect(0, 0, width, height);
  }, 40);
  return canvas.captureStream(25).getVideoTracks()[0];
}

/** Two pairs that hear each other after a while, in order. */
export function twoPairs({ delay = () => 0 } = {}) {
  const ends = {};
  const connections = [];
  class Counted extends RTCPeerConnection {
    constructor(configuration) {
      super(configuration);
      connections.push(this);
    }
  }
  const make = (name, polite) => {
    const heard = { tracks: {}, channels: [], states: [], resets: [] };
    let last = Promise.resolve();
    const other = name === 'a' ? 'b' : 'a';
    const pair = createPair({
      polite,
      iceServers: () => [],
      send(body) {
        const text = JSON.stringify(body);
        last = last.then(() => new Promise((resolve) => setTimeout(resolve, delay()))).then(() => ends[other].pair.signal(JSON.parse(text)));
      },
      RTCPeerConnection: Counted,
      timers,
      page: pageName(),
      on: {
        state: (state) => heard.states.push(state),
        track: (slot, track) => (heard.tracks[slot] = track),
        channel: (channel) => heard.channels.push(channel),
        reset: (why) => heard.resets.push(why),
      },
    });
    ends[name] = { pair, heard };
  };
  make('a', false);
  make('b', true);
  return { ...ends, connections, open: () => connections.filter(({ signalingState }) => signalingState !== 'closed').length };
}

/** Waits until `is` holds; says what it waited for where it does not come. */
export async function until(is, what, ms = 15_000) {
  const end = performance.now() + ms;
  while (!is()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

/** How large the pictures of a track are, once there are any. */
export async function sizeOf(track) {
  const video = Object.assign(document.createElement('video'), { muted: true, srcObject: new MediaStream([track]) });
  await video.play();
  await until(() => video.videoWidth > 0, 'a picture');
  return { width: video.videoWidth, height: video.videoHeight };
}

/** Both do everything at once, again and again; then they agree, and media and channels pass. */
export async function glare(rounds) {
  for (let round = 0; round < rounds; round += 1) {
    const two = twoPairs({ delay: () => Math.random() * 20 });
    const { a, b } = two;
    a.pair.setTrack('camera', drawnCamera(0));
    b.pair.setTrack('camera', drawnCamera(180));
    const make = (end, name) => new Promise((resolve) => Object.assign(end.pair.createChannel(name), { onopen: resolve }));
    const opened = [make(a, 'from a'), make(b, 'from b')];
    a.pair.openTracks();
    b.pair.openTracks();
    for (let restart = 0; restart < round % 4; restart += 1) {
      a.pair.networkChanged();
      b.pair.networkChanged();
    }
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`round ${round}: no channels`)), 20_000));
    await Promise.race([Promise.all(opened), late]);
    await until(() => a.pair.state === 'connected' && b.pair.state === 'connected', `round ${round}: ${a.pair.state}, ${b.pair.state}`);
    await until(() => a.heard.tracks.camera && b.heard.tracks.camera, `round ${round}: tracks`);
    await Promise.all([sizeOf(a.heard.tracks.camera), sizeOf(b.heard.tracks.camera)]);
    if (two.open() !== 2) throw new Error(`round ${round}: ${two.open()} connections`);
    const { length } = a.heard.tracks.camera && two.connections[0].getTransceivers();
    if (length !== 4) throw new Error(`round ${round}: ${length} slots`);
    a.pair.close();
    await until(() => b.pair.state === 'idle', 'goodbye');
    if (two.open() !== 0) throw new Error(`round ${round}: left behind`);
  }
  return rounds;
}
