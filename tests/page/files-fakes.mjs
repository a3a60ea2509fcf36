/**
 * Two pages with data channels between them and no network: messages arrive in order on each channel, and in any order across
 * channels, when a test lets them. A seed decides.
 */

import { createHash } from 'node:crypto';
import { createReading, writeToMemory } from '../../src/web/page/files/jobs.js';
import { createTransfers } from '../../src/web/page/files/transfers.js';
import { FakeTimers, settle } from './fakes.mjs';

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomBytes(length, random) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random() * 256;
  return bytes;
}

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** What a listener of a channel is called with. */
export class FakeChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  sent = 0;
  onopen = null;
  onmessage = null;
  onclose = null;
  onbufferedamountlow = null;
  queue = [];

  constructor(net, label) {
    Object.assign(this, { net, label });
  }
  send(data) {
    if (this.readyState !== 'open') throw new Error('InvalidStateError');
    const copy = typeof data === 'string' ? data : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    this.sent += 1;
    this.bufferedAmount += copy.length ?? copy.byteLength;
    this.queue.push(copy);
  }
  close() {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.net.closing.push(this.other);
  }
}

/** The network between two participants, 1 and 2 at first. */
export class Net {
  /** Channels, each with its other end. */
  channels = [];
  closing = [];
  arriving = [];
  constructor(random = Math.random) {
    this.random = random;
    this.ends = [this.end(1), this.end(2)];
  }

  otherOf(end) {
    return this.ends[this.ends[0] === end ? 1 : 0];
  }

  end(id) {
    const listeners = { channel: [], state: [], reset: [] };
    const pair = {
      held: new Set(),
      hold: (name) => pair.held.add(name),
      release: (name) => pair.held.delete(name),
      createChannel: (label) => {
        if (this.noChannels || !this.ends.includes(end)) throw new Error('no connection');
        const [mine, theirs] = [new FakeChannel(this, label), new FakeChannel(this, label)];
        mine.other = theirs;
        theirs.other = mine;
        this.channels.push(mine, theirs);
        this.arriving.push({ mine, theirs, at: this.otherOf(end) });
        return mine;
      },
    };
    const end = {
      id,
      pair,
      with: () => pair,
      on: (event, listener) => listeners[event].push(listener),
      tell: (event, ...args) => listeners[event].forEach((listener) => listener(...args)),
    };
    return end;
  }

  /** Lets one thing happen that could. @returns {boolean} whether there was one */
  step() {
    const could = [];
    for (const arrival of this.arriving) could.push(() => this.#arrive(arrival));
    for (const channel of this.closing) could.push(() => this.#closed(channel));
    for (const channel of this.channels) if (channel.queue.length > 0) could.push(() => this.#deliver(channel));
    if (could.length === 0) return false;
    could[Math.floor(this.random() * could.length)]();
    return true;
  }

  #arrive(arrival) {
    this.arriving.splice(this.arriving.indexOf(arrival), 1);
    const { mine, theirs, at } = arrival;
    if (mine.readyState === 'closed') return;
    mine.readyState = 'open';
    theirs.readyState = 'open';
    at.tell('channel', this.otherOf(at).id, theirs);
    mine.onopen?.();
    theirs.onopen?.();
  }

  #closed(channel) {
    this.closing.splice(this.closing.indexOf(channel), 1);
    // What was sent before has arrived before.
    while (channel.other.queue.length > 0) this.#deliver(channel.other);
    if (channel.readyState === 'closed') return;
    channel.readyState = 'closed';
    channel.onclose?.();
  }

  #deliver(channel) {
    const data = channel.queue.shift();
    const before = channel.bufferedAmount;
    channel.bufferedAmount -= data.length ?? data.byteLength;
    if (channel.other.readyState === 'open') channel.other.onmessage?.({ data });
    const low = channel.bufferedAmountLowThreshold;
    if (before > low && channel.bufferedAmount <= low) channel.onbufferedamountlow?.();
  }

  /** The connection is gone with all that was under way; both sides hear of it. */
  cut({ silently = false } = {}) {
    const channels = this.channels;
    this.channels = [];
    this.arriving = [];
    this.closing = [];
    for (const channel of channels) {
      channel.queue = [];
      const was = channel.readyState;
      channel.readyState = 'closed';
      if (!silently && was !== 'closed') channel.onclose?.();
    }
    for (const end of this.ends) end.tell('reset', this.otherOf(end).id, 'renewed');
  }
}

/** What worker.js does, without a worker: one thing after the other, each a moment later. */
export function fakeWorkshop({ piece = 64 * 1024, sinks = [], breaks = null } = {}) {
  const inOrder = (work) => {
    let last = Promise.resolve();
    const later = (name) => (...args) => {
      const done = last.then(settle).then(() => work[name](...args));
      last = done.catch(() => {});
      return done;
    };
    return later;
  };
  return {
    sinks,
    reader(file) {
      const work = createReading(file);
      const later = inOrder(work);
      const read = later('read');
      return { piece, read: (from) => read(from, piece), digest: later('digest'), end: () => {} };
    },
    async sink({ mime }) {
      const work = writeToMemory(mime);
      const later = inOrder({ ...work, write: async (chunks) => { await breaks?.(); return work.write(chunks); } });
      const sink = { from: 0, write: later('write'), digest: later('digest'), finish: later('finish'), ended: null };
      sink.end = async (discard) => void (sink.ended = { discard });
      sinks.push(sink);
      return sink;
    },
  };
}

export const fakeKeep = (over = {}) => ({
  most: Infinity,
  hasRoom: async () => true,
  place: () => ({ kind: 'memory' }),
  noted: () => [],
  resume: ({ before }) => before,
  over: () => {},
  save: async () => {},
  forget: () => {},
  ...over,
});

/** Two pages in a room: `one` and `two`, and what passes between them. */
export function meeting({ random, filesMib = 4096, workshops = [fakeWorkshop(), fakeWorkshop()], keeps = [fakeKeep(), fakeKeep()] } = {}) {
  const net = new Net(random);
  const timers = new FakeTimers();
  let ids = 0;
  const page = (at, keep = keeps[at]) => {
    const end = net.ends[at];
    return createTransfers({
      pairs: end,
      me: () => end.id,
      person: (id) => (id === net.otherOf(end).id ? { id, name: at === 0 ? 'Two' : 'One', colour: id } : null),
      workshop: workshops[at],
      keep,
      limits: () => ({ filesMib }),
      timers,
      newId: () => `id-${(ids += 1)}`,
      onChange: () => {},
    });
  };
  const [one, two] = [page(0), page(1)];
  const meets = {
    net,
    timers,
    one,
    two,
    workshops,
    /** Both are in the room as others, or the second alone, with another page if `keep` is given. */
    again({ both, keep }) {
      for (const at of both ? [0, 1] : [1]) {
        if (keep === undefined) net.ends[at].id += 10;
        else {
          net.ends[at] = net.end(12);
          meets.two = page(at, keep);
          meets.two.restore();
        }
      }
      const [{ id: first }, { id: second }] = net.ends;
      meets.one.came([second], 1);
      meets.two.came([first], 1);
    },
    /** Lets things happen until nothing more does, or `until` holds. */
    async run(until = () => false) {
      for (let quiet = 0; quiet < 12; ) {
        if (until()) return;
        if (net.step()) quiet = 0;
        else {
          quiet += 1;
          await settle();
        }
      }
    },
  };
  return meets;
}

export const file = (bytes, name = 'a.bin', type = '') => new File([bytes], name, { type });
