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

/** The network between participants 1 and 2. */
export class Net {
  /** Channels, each with its other end. */
  channels = [];
  closing = [];
  arriving = [];
  constructor(random = Math.random) {
    this.random = random;
    this.ends = { 1: this.#end(1, 2), 2: this.#end(2, 1) };
  }

  #end(me, other) {
    const listeners = { channel: [], state: [], reset: [] };
    const pair = {
      held: new Set(),
      hold: (name) => pair.held.add(name),
      release: (name) => pair.held.delete(name),
      createChannel: (label) => {
        if (this.noChannels) throw new Error('no connection');
        const [mine, theirs] = [new FakeChannel(this, label), new FakeChannel(this, label)];
        mine.other = theirs;
        theirs.other = mine;
        this.channels.push(mine, theirs);
        this.arriving.push({ mine, theirs, at: other });
        return mine;
      },
    };
    return {
      pair,
      with: () => pair,
      on: (event, listener) => listeners[event].push(listener),
      tell: (event, ...args) => listeners[event].forEach((listener) => listener(...args)),
    };
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
    this.ends[at].tell('channel', at === 1 ? 2 : 1, theirs);
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
    this.ends[1].tell('reset', 2, 'renewed');
    this.ends[2].tell('reset', 1, 'renewed');
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
  before: () => null,
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
  const page = (me) =>
    createTransfers({
      pairs: net.ends[me],
      person: (id) => (id === 1 || id === 2 ? { id, name: `P${id}`, colour: id } : null),
      workshop: workshops[me - 1],
      keep: keeps[me - 1],
      limits: () => ({ filesMib }),
      timers,
      newId: () => `id-${(ids += 1)}`,
      onChange: () => {},
    });
  const [one, two] = [page(1), page(2)];
  const meets = {
    net,
    timers,
    one,
    two,
    workshops,
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
