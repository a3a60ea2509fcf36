/** Stand-ins for what a browser gives: a clock that moves when told, sockets and peers without a network. */

/** Timers on a clock of their own. */
export class FakeTimers {
  time = 0;
  #next = 1;
  #waiting = new Map();

  now = () => this.time;
  setTimeout = (run, ms) => {
    const id = this.#next;
    this.#next += 1;
    this.#waiting.set(id, { at: this.time + ms, run });
    return id;
  };
  clearTimeout = (id) => this.#waiting.delete(id);

  /** Lets `ms` pass; runs what falls due, in order, and lets promises settle after each. */
  async pass(ms) {
    const until = this.time + ms;
    for (;;) {
      const due = [...this.#waiting].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#waiting.delete(due[0]);
      // What is due already, because the clock was set forward, runs late.
      this.time = Math.max(this.time, due[1].at);
      due[1].run();
      await settle();
    }
    this.time = until;
    await settle();
  }

  get pending() {
    return this.#waiting.size;
  }
}

/** Lets every promise that can settle do so. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  static all = [];
  readyState = 0;
  sent = [];
  /** Binary frames. */
  frames = [];
  bufferedAmount = 0;

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    FakeSocket.all.push(this);
  }
  static get last() {
    return FakeSocket.all.at(-1);
  }
  send(data) {
    if (typeof data === 'string') this.sent.push(JSON.parse(data));
    else this.frames.push(data);
  }
  close() {
    this.readyState = 3;
  }
  /** The daemon takes the connection. */
  open() {
    this.readyState = 1;
    this.onopen();
  }
  /** The daemon says something. */
  say(message) {
    this.onmessage({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }
  /** The daemon sends bytes. */
  sendFrame(bytes) {
    this.onmessage({ data: bytes.buffer });
  }
  /** The daemon, or the network, ends it. */
  drop() {
    this.readyState = 3;
    this.onclose({ code: 1006 });
  }
  types() {
    return this.sent.map(({ type }) => type);
  }
}

/** Peers that answer `answer`, or refuse every offer. */
export function fakePeers(refuses = false) {
  const made = [];
  return {
    made,
    create(options) {
      const peer = {
        options,
        candidates: [],
        offers: [],
        /** Packets of media, and answers to connectivity checks, that have come. */
        packets: 0,
        answers: 0,
        closed: false,
        accept: async (sdp) => {
          peer.offers.push(sdp);
          if (refuses) throw new Error('no such codec');
          return 'answer';
        },
        setServers: (servers) => {
          peer.servers = servers;
        },
        addCandidate: (mline, candidate) => peer.candidates.push([mline, candidate]),
        stats: async () => received(peer.packets, peer.answers),
        close: () => {
          peer.closed = true;
        },
      };
      made.push(peer);
      return peer;
    },
  };
}

/** What a browser's statistics say of media that comes by one path. */
export const received = (packets, answers, path = 'pair') =>
  new Map([
    ['in', { type: 'inbound-rtp', id: 'in', packetsReceived: packets }],
    ['t', { type: 'transport', id: 't', selectedCandidatePairId: path }],
    [path, { type: 'candidate-pair', id: path, responsesReceived: answers, bytesReceived: packets * 1000 }],
  ]);

/** A `welcome` with these sources. */
export function welcome(names = ['screen', 'camera'], state = 'idle') {
  return {
    type: 'welcome',
    version: 1,
    software: 'vitrina 0.1.0',
    title: 'Workshop',
    viewer: 1,
    sources: names.map((name) => ({ name, title: name, kind: 'test', media: ['video'], state })),
    ice_servers: [{ urls: ['stun:192.0.2.1'] }],
  };
}

export const offer = (names = ['screen', 'camera']) => ({
  type: 'offer',
  sdp: 'v=0',
  tracks: names.map((source, index) => ({ mid: `video${index}`, source, media: 'video', codec: 'H264' })),
});

/** What passes for a JPEG until it is decoded; `mark` is its last byte. */
export const jpeg = (mark = 0) => new Uint8Array([0xff, 0xd8, 0xff, 0xe0, mark & 0xff]);
