/** Stand-ins for the devices of a page, and for the room of several pages. */

import { Emitter, FakeStream, FakeTrack, tick } from './call-fakes.mjs';

/** `navigator.mediaDevices`: devices that can be plugged and unplugged, permissions that can be refused. */
export class FakeDevices extends Emitter {
  made = [];
  asked = [];
  #devices = [];
  /** What `getUserMedia` rejects with, by kind of track. */
  fails = {};

  constructor() {
    super();
    this.plug('audioinput', 'Microphone');
    this.plug('audiooutput', 'Speaker');
  }
  plug(kind, label) {
    this.#devices.push({ kind, label, deviceId: `id of ${label}` });
    this.emit('devicechange');
  }
  unplug(label) {
    this.#devices = this.#devices.filter((device) => device.label !== label);
    this.emit('devicechange');
    for (const track of this.made) if (track.label === label && track.readyState === 'live') track.end();
  }
  async enumerateDevices() {
    return this.#devices;
  }
  async getUserMedia(wish) {
    this.asked.push(wish);
    await tick();
    const tracks = [];
    for (const [kind, input] of [['audio', 'audioinput'], ['video', 'videoinput']]) {
      if (wish[kind] === undefined) continue;
      if (this.fails[kind]) throw Object.assign(new Error('no'), { name: this.fails[kind] });
      let found = this.#devices.filter((device) => device.kind === input);
      const exact = wish[kind].deviceId?.exact;
      if (exact !== undefined) {
        found = found.filter(({ deviceId }) => deviceId === exact);
        if (found.length === 0) throw Object.assign(new Error('no such'), { name: 'OverconstrainedError' });
      }
      // Where the test has named no camera there is one all the same.
      if (found.length === 0 && kind === 'video' && !this.named) found = [{ label: 'Camera', deviceId: 'id of Camera' }];
      if (found.length === 0) throw Object.assign(new Error('none'), { name: 'NotFoundError' });
      tracks.push(new FakeTrack(kind, found[0]));
    }
    this.made.push(...tracks);
    return new FakeStream(tracks);
  }
  get named() {
    return this.#named;
  }
  #named = false;
  /** From now on there are only the cameras that were plugged in. */
  only() {
    this.#named = true;
  }
  async getDisplayMedia() {
    if (this.fails.screen) throw Object.assign(new Error('no'), { name: this.fails.screen });
    const tracks = [new FakeTrack('video', { label: 'Screen' }), new FakeTrack('audio', { label: 'Sound of the screen' })];
    this.made.push(...tracks);
    return new FakeStream(tracks);
  }
}

const DOES = ['call', 'camera', 'microphone', 'screen', 'deaf'];

/** The daemon's room, as room/room.js shows it to a page: for pages of one test. */
export class FakeRoom {
  #people = [];
  #pages = new Map();
  #queue = [];
  #next = 1;
  deaf = false;

  constructor(most) {
    this.most = most;
  }

  enter(page = this.#page()) {
    const id = this.#next;
    this.#next += 1;
    this.#people.push(Object.freeze({ id, name: `Person ${id}`, colour: 0, away: false, call: false, camera: false, microphone: false, screen: false, deaf: false }));
    page.id = id;
    this.#tell(() => page.emit('entered', { resumed: false }));
    this.#tellOthers(id, 'arrived', this.#person(id));
    this.#pages.set(id, page);
    return page;
  }
  #person(id) {
    return this.#people.find((each) => each.id === id) ?? null;
  }
  #tell(run) {
    this.#queue.push(run);
  }
  #tellOthers(id, event, ...values) {
    for (const [each, page] of this.#pages) if (each !== id) this.#tell(() => page.inside && page.emit(event, ...values));
  }
  #page() {
    const hub = this;
    const listeners = new Map();
    let people = null;
    let does = {};
    const present = (parts) => {
      does = { ...does, ...parts };
      if (hub.deaf || !page.inside) return;
      const wished = { ...does };
      const { id } = page;
      hub.#tell(() => hub.#presence(id, page, wished));
    };
    const page = {
      id: 0,
      inside: true,
      limits: { people: 32, calls: hub.most, filesMib: 0 },
      get me() {
        return page.inside || people !== null ? (people ?? hub.#people).find((each) => each.id === page.id) ?? null : null;
      },
      get participants() {
        return people ?? hub.#people;
      },
      participant: (id) => page.participants.find((each) => each.id === id) ?? null,
      on(event, listener) {
        listeners.set(event, [...(listeners.get(event) ?? []), listener]);
      },
      emit(event, ...values) {
        for (const listener of listeners.get(event) ?? []) listener(...values);
      },
      presence: present,
      signal(to, body) {
        if (!page.inside) return;
        const { id } = page;
        hub.#tell(() => hub.#person(to) !== null && hub.#pages.get(to)?.inside && hub.#pages.get(to).emit('signal', { from: id, body: structuredClone(body) }));
      },
      /** The daemon is away. */
      cut() {
        people = [...hub.#people];
        page.inside = false;
        page.emit('lost');
      },
      back({ resumed }) {
        people = null;
        page.inside = true;
        if (!resumed) return hub.enter(page) && present({});
        hub.#tell(() => page.emit('entered', { resumed: true }));
        present({});
      },
      out(code) {
        hub.#people = hub.#people.filter(({ id }) => id !== page.id);
        page.inside = false;
        page.emit('out', { code, message: '' });
      },
    };
    return page;
  }
  #presence(id, page, wished) {
    const before = this.#person(id);
    if (before === null) return;
    const full = wished.call && !before.call && this.#people.filter(({ call }) => call).length >= this.most;
    const next = Object.freeze({ ...before, ...Object.fromEntries(DOES.map((each) => [each, wished[each] === true])), call: wished.call === true && !full });
    this.#people = this.#people.map((each) => (each.id === id ? next : each));
    if (full) this.#tell(() => page.emit('refused', { code: 'call_full', message: '' }));
    for (const other of this.#pages.values()) this.#tell(() => other.inside && other.emit('changed', next, before));
  }
  /** A participant is gone without a word. */
  lose(id) {
    const gone = this.#person(id);
    this.#people = this.#people.filter((each) => each.id !== id);
    this.#pages.delete(id);
    this.#tellOthers(id, 'left', gone, 'lost');
  }
  /** Lets everything be delivered until nobody says anything more. */
  async quiet() {
    for (let still = 0; still < 8; ) {
      const batch = this.#queue.splice(0);
      for (const run of batch) run();
      await tick();
      still = batch.length > 0 ? 0 : still + 1;
    }
  }
}
