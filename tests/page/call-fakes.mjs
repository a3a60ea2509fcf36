/** Stand-ins for what a call needs of a browser: connections that negotiate without a network, tracks. */

export const tick = () => new Promise((resolve) => setImmediate(resolve));

export class Emitter {
  #listeners = new Map();
  addEventListener(name, listener) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }
  removeEventListener(name, listener) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? []).filter((each) => each !== listener));
  }
  emit(name, event = {}) {
    for (const listener of this.#listeners.get(name) ?? []) listener({ type: name, target: this, ...event });
  }
}

export class FakeTrack extends Emitter {
  static all = [];
  enabled = true;
  readyState = 'live';
  contentHint = '';
  constructor(kind, settings = {}) {
    super();
    Object.assign(this, { kind, settings, label: settings.label ?? kind, id: `${kind}${FakeTrack.all.length}` });
    FakeTrack.all.push(this);
  }
  getSettings() {
    return this.settings;
  }
  stop() {
    this.readyState = 'ended';
  }
  /** The device is gone, or the browser's own button was pressed. */
  end() {
    this.readyState = 'ended';
    this.emit('ended');
  }
  static get live() {
    return FakeTrack.all.filter(({ readyState }) => readyState === 'live');
  }
}

export class FakeStream {
  constructor(tracks = []) {
    this.tracks = tracks;
  }
  getTracks() {
    return this.tracks;
  }
  getAudioTracks() {
    return this.tracks.filter(({ kind }) => kind === 'audio');
  }
  getVideoTracks() {
    return this.tracks.filter(({ kind }) => kind === 'video');
  }
}

class FakeTransceiver {
  currentDirection = null;
  stopped = false;
  #direction;
  constructor(connection, kind, track, direction) {
    this.connection = connection;
    this.kind = kind;
    this.#direction = direction;
    this.receiver = { track: new FakeTrack(kind) };
    this.sender = {
      track,
      streams: [],
      replaceTrack: async (next) => {
        if (next !== null && next.kind !== kind) throw new TypeError('another kind');
        this.sender.track = next;
      },
      setStreams: (...streams) => {
        this.sender.streams = streams;
      },
      encodings: [{ active: true }],
      getParameters: () => ({ encodings: structuredClone(this.sender.encodings) }),
      setParameters: async ({ encodings }) => {
        await tick();
        this.sender.encodings = encodings;
      },
    };
    this.receiver.track.isSlot = true;
    FakeTrack.all.pop();
  }
  get direction() {
    return this.#direction;
  }
  set direction(value) {
    this.#direction = value;
    this.connection.need('directions');
  }
}

/**
 * A connection whose descriptions are JSON, with the states, the chain of operations, the implicit
 * rollback and the negotiation-needed flag of webrtc-pc. Two of them connect when the fingerprints of their
 * descriptions name each other and the ICE generations fit.
 */
export class FakeConnection extends Emitter {
  static all = [];
  signalingState = 'stable';
  connectionState = 'new';
  localDescription = null;
  remoteDescription = null;
  restarts = 0;
  channels = [];
  #chain = Promise.resolve();
  #dirty = new Set();
  #offered = new Set();
  #transceivers = [];
  #application = false;
  #asking = false;
  #running = 0;

  constructor(configuration) {
    super();
    this.configuration = configuration;
    this.id = FakeConnection.all.length;
    FakeConnection.all.push(this);
  }
  static get open() {
    return FakeConnection.all.filter(({ signalingState }) => signalingState !== 'closed');
  }
  getConfiguration() {
    return this.configuration;
  }
  setConfiguration(configuration) {
    this.configuration = configuration;
  }
  getTransceivers() {
    return [...this.#transceivers];
  }
  addTransceiver(what, { direction, streams = [] }) {
    const track = typeof what === 'string' ? null : what;
    const transceiver = new FakeTransceiver(this, track?.kind ?? what, track, direction);
    transceiver.sender.streams = streams;
    this.#transceivers.push(transceiver);
    this.need('directions');
    return transceiver;
  }
  createDataChannel(label, options = {}) {
    const channel = Object.assign(new Emitter(), { label, options, readyState: 'connecting' });
    this.channels.push(channel);
    if (!this.#application) this.need('application');
    return channel;
  }
  restartIce() {
    this.restarts += 1;
    this.need('ice');
  }
  need(what) {
    this.#dirty.add(what);
    this.#askSoon();
  }
  #askSoon() {
    if (this.#asking) return;
    this.#asking = true;
    setImmediate(() => this.#ask());
  }
  #ask() {
    this.#asking = false;
    // Not while operations are under way: the last one asks again.
    if (this.#running > 0) return;
    if (this.signalingState === 'stable' && this.#dirty.size > 0) this.emit('negotiationneeded');
  }
  #run(operation) {
    const closed = () => this.signalingState === 'closed';
    this.#running += 1;
    const done = this.#chain.then(async () => {
      // Real browsers take their time; what comes meanwhile waits.
      await tick();
      return closed() ? new Promise(() => {}) : operation();
    });
    this.#chain = done.catch(() => {});
    void this.#chain.then(() => {
      this.#running -= 1;
      this.#askSoon();
    });
    return done;
  }
  #state(state) {
    if (state === this.signalingState) return;
    this.signalingState = state;
    this.emit('signalingstatechange');
    if (state === 'stable') this.#askSoon();
  }
  #sdp(type) {
    return JSON.stringify({
      type,
      from: this.id,
      ice: this.restarts,
      application: this.#application || this.#dirty.has('application') || this.channels.length > 0,
      media: this.#transceivers.map(({ kind, direction }) => ({ kind, direction })),
    });
  }
  setLocalDescription() {
    return this.#run(async () => {
      if (this.signalingState === 'have-remote-offer') {
        this.localDescription = { type: 'answer', sdp: this.#sdp('answer') };
        this.#dirty.delete('directions');
        if (this.#application) this.#dirty.delete('application');
        this.#settle();
      } else {
        this.localDescription = { type: 'offer', sdp: this.#sdp('offer') };
        this.#offered = new Set(this.#dirty);
        this.#dirty.clear();
        this.#state('have-local-offer');
      }
      setImmediate(() =>
        this.emit('icecandidate', {
          candidate: { candidate: `candidate of ${this.id}`, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: String(this.restarts) },
        }),
      );
    });
  }
  setRemoteDescription({ type, sdp }) {
    return this.#run(async () => {
      const said = JSON.parse(sdp);
      if (type === 'offer') {
        if (this.signalingState === 'have-local-offer') {
          for (const each of this.#offered) this.#dirty.add(each);
          this.localDescription = null;
        }
        this.remoteDescription = { type, sdp };
        said.media.forEach(({ kind }, at) => {
          if (this.#transceivers[at] === undefined) this.#transceivers.push(new FakeTransceiver(this, kind, null, 'recvonly'));
        });
        this.#application ||= said.application;
        this.#state('have-remote-offer');
      } else {
        if (this.signalingState !== 'have-local-offer') throw new Error(`an ${type} in ${this.signalingState}`);
        this.remoteDescription = { type, sdp };
        this.#application ||= said.application;
        this.#settle();
      }
    });
  }
  #settle() {
    const theirs = JSON.parse(this.remoteDescription.sdp);
    this.#transceivers.forEach((transceiver, at) => {
      if (theirs.media[at]?.direction.startsWith('send') && transceiver.direction.endsWith('recv')) {
        this.emit('track', { transceiver, track: transceiver.receiver.track, receiver: transceiver.receiver });
      }
    });
    this.#state('stable');
  }
  async addIceCandidate(candidate) {
    await this.#run(async () => {
      if (this.remoteDescription === null) throw new Error('a candidate before any description');
      this.candidates = [...(this.candidates ?? []), candidate];
    });
  }
  /** The test says what became of the path. */
  become(state) {
    this.connectionState = state;
    this.emit('connectionstatechange');
  }
  /** Whether this and that connection have agreed with each other, and on what came last. */
  agreesWith(that) {
    const said = (connection) => JSON.parse(connection.localDescription?.sdp ?? 'null');
    const heard = (connection) => JSON.parse(connection.remoteDescription?.sdp ?? 'null');
    return (
      this.signalingState === 'stable' &&
      that.signalingState === 'stable' &&
      JSON.stringify(said(this)) === JSON.stringify(heard(that)) &&
      JSON.stringify(said(that)) === JSON.stringify(heard(this))
    );
  }
  async getStats() {
    return new Map();
  }
  close() {
    this.signalingState = 'closed';
    this.connectionState = 'closed';
  }
}

/** Between two pairs: signals wait until the test lets them pass, and keep their order. */
export class Wire {
  #queues = { a: [], b: [] };
  sent = [];
  constructor() {
    this.ends = {};
  }
  sender(from) {
    return (body) => {
      this.sent.push({ from, ...body });
      this.#queues[from].push(structuredClone(body));
    };
  }
  /** Delivers what `from` has sent; `count` of it at most. Returns how many. */
  pass(from, count = Infinity) {
    const batch = this.#queues[from].splice(0, Math.min(count, this.#queues[from].length));
    const to = this.ends[from === 'a' ? 'b' : 'a'];
    for (const body of batch) to.signal(body);
    return batch.length;
  }
  /** What `from` has sent is lost. */
  lose(from) {
    return this.#queues[from].splice(0).length;
  }
  waiting(from) {
    return this.#queues[from].length;
  }
  /** Lets all pass until nobody has anything more to say. */
  async quiet(order = ['a', 'b']) {
    for (let still = 0; still < 6; ) {
      const passed = order.reduce((sum, from) => sum + this.pass(from), 0);
      await tick();
      still = passed > 0 ? 0 : still + 1;
    }
  }
}
