/**
 * All files on their way to and from this page: who offers what to whom, what has become of it, how fast it goes. One transfer
 * for each participant that a file is offered to.
 */

import { createIncoming } from './incoming.js';
import { createLink } from './link.js';
import { OFFERED, isHeld, isOver, step } from './machine.js';
import { createOutgoing } from './outgoing.js';
import { createPace, secondsLeft } from './pace.js';
import { CONTROL, harmlessName, idOf, proofOf } from './protocol.js';

/** What one participant may have open here, and what may be open at all. */
const OPEN_OF_ONE = 16;
const OPEN = 64;
/** What is over stays in the list, but not without end. */
const OVER = 60;
/** Figures that change all the time are told so often. */
const TELL_MS = 200;
/** How long who has left may come back, and how long one looks whether somebody who has come is who has left. */
const PARTED_MS = 15 * 60_000;
const RECALL_MS = 20_000;
/** Up to so many others, each is asked; of more, those of the same name. */
const ASKED = 8;
/** No participant's number: whose page was left by this one. */
const NOBODY = 0;
const MIB = 1024 * 1024;

/**
 * @typedef {object} Transfer what there is to show of one
 * @property {string} key
 * @property {number} peer
 * @property {{id: number, name: string, colour: number}} person as it was when it was offered
 * @property {boolean} outgoing
 * @property {string} name
 * @property {number} size
 * @property {import('./machine.js').State} state
 * @property {number} bytes written over there, or here
 * @property {number | null} speed bytes a second
 * @property {number | null} left seconds
 * @property {boolean} linked whether the other page can be reached now
 * @property {'private' | 'place' | 'memory' | null} where what comes in is put
 * @property {boolean} saved
 */

/**
 * @param {object} options
 * @param {object} options.pairs of call/pairs.js
 * @param {() => number | null} options.me
 * @param {(id: number) => object | null} options.person one of the others
 * @param {object} options.workshop
 * @param {object} options.keep of keeping.js: where what comes in is put
 * @param {() => {filesMib: number}} options.limits
 * @param {object} options.timers
 * @param {() => string} options.newId
 * @param {() => void} options.onChange
 * @param {(transfer: object) => void} [options.onOffer] somebody offers something
 * @param {(transfer: object) => void} [options.onDone] something has come and waits to be saved
 */
export function createTransfers({ pairs, me, person, workshop, keep, limits, timers, newId, onChange, onOffer = () => {}, onDone = () => {} }) {
  /** By key, in the order of their coming. */
  const entries = new Map();
  const links = new Map();
  /** Whom this page asks whether it has something unfinished, until when. */
  const asked = new Map();
  let telling = null;

  const keyOf = (peer, id) => `${peer}/${id}`;
  const all = () => [...entries.values()];
  const of = (peer) => all().filter((entry) => entry.peer === peer);
  const parted = (outgoing = false) => all().filter((entry) => entry.outgoing === outgoing && entry.state.phase === 'parted');
  const open = (list) => list.filter(({ state }) => !isOver(state));

  function changed() {
    timers.clearTimeout(telling);
    telling = null;
    onChange();
  }

  function changedSoon() {
    telling ??= timers.setTimeout(changed, TELL_MS);
  }

  function linkWith(peer) {
    let link = links.get(peer);
    if (link === undefined) {
      link = createLink({
        pair: pairs.with(peer),
        timers,
        on: {
          open() {
            for (const { work } of of(peer)) work.greet();
            if (asked.has(peer)) for (const { id } of parted()) link.send({ type: 'recall', proof: proofOf(id, me(), peer) });
            changed();
          },
          closed: changed,
          message: (message) => take(peer, message),
        },
      });
      links.set(peer, link);
    }
    return link;
  }

  function add(peer, fields) {
    const entry = {
      key: keyOf(peer, fields.id),
      peer,
      person: person(peer),
      state: OFFERED,
      bytes: 0,
      pace: createPace(),
      where: null,
      file: null,
      before: null,
      expiry: null,
      saved: false,
      ...fields,
    };
    const shared = {
      entry,
      workshop,
      timers,
      say: (message) => links.get(entry.peer)?.send(message),
      move: (event) => move(entry, event),
      progress(bytes) {
        entry.bytes = bytes;
        entry.pace.add(timers.now(), bytes);
        changedSoon();
      },
    };
    entry.work = entry.outgoing
      ? createOutgoing({ ...shared, file: entry.source, pair: () => pairs.with(entry.peer) })
      : createIncoming({ ...shared, hasRoom: keep.hasRoom, resume: () => keep.resume(entry) });
    entries.set(entry.key, entry);
    if (peer !== NOBODY) linkWith(peer);
    forget();
    return entry;
  }

  function move(entry, event) {
    const next = step(entry.state, event);
    if (next === entry.state) return;
    entry.state = next;
    if (isHeld(next) || isOver(next) || next.phase === 'parted') entry.pace.stop();
    timers.clearTimeout(entry.expiry);
    if (next.phase === 'parted') entry.expiry = timers.setTimeout(() => move(entry, { type: 'fail', reason: 'gone' }), PARTED_MS);
    if (isOver(next)) {
      entry.work.end();
      entry.source = null;
      if (!entry.outgoing) keep.over(entry);
      if (isUnsaved(entry)) onDone(entry);
    }
    want(entry.peer);
    changed();
  }

  /** There is a channel with whom something goes on with, or who is asked. */
  const want = (peer) => links.get(peer)?.want(asked.has(peer) || open(of(peer)).some(({ state }) => state.phase !== 'parted'));

  /** The oldest that are over go, but for what somebody may still want to save. */
  function forget() {
    const over = all().filter((entry) => isOver(entry.state) && !isUnsaved(entry));
    for (const entry of over.slice(0, Math.max(0, over.length - OVER))) remove(entry);
  }

  function remove(entry) {
    entries.delete(entry.key);
    keep.forget(entry);
  }

  const isUnsaved = ({ outgoing, state, where, saved }) => !outgoing && state.phase === 'done' && where !== 'place' && !saved;

  function take(peer, message) {
    if (message.type === 'recall') {
      recalled(peer, message.proof);
      return;
    }
    const entry = entries.get(keyOf(peer, message.id));
    if (message.type !== 'offer') entry?.work.message(message);
    else if (entry === undefined) offered(peer, message);
    else if (!entry.outgoing) {
      if (entry.state.phase === 'parted') bind(entry, peer);
      entry.work.message(message);
    }
  }

  function offered(peer, { id, name, size, mime }) {
    const { filesMib } = limits();
    const link = linkWith(peer);
    const again = parted().find((entry) => entry.id === id && entry.size === size);
    if (again !== undefined) {
      bind(again, peer);
      again.work.message({ type: 'offer' });
      return;
    }
    const tooMany = open(of(peer)).length >= OPEN_OF_ONE || open(all()).length >= OPEN;
    if (filesMib === 0 || person(peer)?.mayTalk === false) link.send({ type: 'refuse', id, reason: 'no_files' });
    else if (tooMany) link.send({ type: 'refuse', id, reason: 'too_many' });
    else if (person(peer) !== null) {
      const entry = add(peer, { id, outgoing: false, name, size, mime });
      if (size > filesMib * MIB || size > keep.most) {
        entry.work.refuse('too_large');
        return;
      }
      link.want(true);
      onOffer(entry);
      changed();
    }
  }

  /** Who has come back as another participant. */
  function bind(entry, peer) {
    entries.delete(entry.key);
    Object.assign(entry, { peer, person: person(peer), key: keyOf(peer, entry.id) });
    entries.set(entry.key, entry);
    move(entry, { type: 'return' });
  }

  function recalled(peer, proof) {
    const entry = parted(true).find(({ id }) => proofOf(id, peer, me()) === proof);
    if (entry === undefined || person(peer) === null) return;
    bind(entry, peer);
    entry.work.greet();
  }

  /** Somebody has come: perhaps who has left before. */
  function ask(peer, others) {
    const came = person(peer);
    if (came === null || !parted().some((entry) => others <= ASKED || entry.person.name === came.name)) return;
    asked.set(peer, timers.setTimeout(() => {
      asked.delete(peer);
      want(peer);
    }, RECALL_MS));
    linkWith(peer).want(true);
  }

  pairs.on('channel', (peer, channel) => {
    if (channel.label === CONTROL) linkWith(peer).take(channel);
    const id = idOf(channel.label);
    if (id === null) return;
    const entry = entries.get(keyOf(peer, id));
    if (entry === undefined || entry.outgoing || !entry.work.channel(channel)) channel.close();
  });
  pairs.on('reset', (peer) => {
    for (const { work } of open(of(peer))) work.cut();
    links.get(peer)?.reset();
    changed();
  });

  function gone(peer) {
    for (const entry of open(of(peer))) {
      entry.work.cut();
      move(entry, { type: 'part' });
    }
    timers.clearTimeout(asked.get(peer));
    asked.delete(peer);
    links.get(peer)?.end();
    links.delete(peer);
  }

  const find = (key, run) => {
    const entry = entries.get(key);
    if (entry !== undefined) run(entry);
  };

  return {
    /** @returns {Transfer[]} */
    list() {
      const now = timers.now();
      return all().map((entry) => {
        const { key, peer, outgoing, name, size, state, bytes, where, saved } = entry;
        const speed = state.phase === 'moving' ? entry.pace.speed(now) : null;
        const linked = links.get(peer)?.open ?? false;
        const left = secondsLeft(size - bytes, speed);
        return { key, peer, person: entry.person, outgoing, name, size, state, bytes, speed, left, linked, where, saved };
      });
    },

    /** Whether a page that is closed now would lose something. */
    get busy() {
      return all().some((entry) => ['moving', 'checking'].includes(entry.state.phase) || isUnsaved(entry));
    },

    /**
     * Offers files to participants, each to each.
     * @returns {File[]} those that are larger than is allowed here
     */
    offer(files, peers) {
      const tooLarge = files.filter(({ size }) => size > limits().filesMib * MIB);
      for (const file of files.filter((file) => !tooLarge.includes(file))) {
        for (const peer of peers.filter((peer) => person(peer) !== null)) {
          const mime = /^[\w.+-]{1,63}\/[\w.+-]{1,63}$/.test(file.type) ? file.type : '';
          const entry = add(peer, { id: newId(), outgoing: true, name: harmlessName(file.name), size: file.size, mime, source: file });
          const link = linkWith(peer);
          link.want(true);
          if (link.open) entry.work.greet();
        }
      }
      changed();
      return tooLarge;
    },

    /** @param {FileSystemFileHandle} [handle] a place that the person has chosen */
    accept(key, handle) {
      find(key, (entry) => {
        // A second press would give it another place than the one to which it goes.
        if (entry.outgoing || entry.where !== null || isOver(entry.state)) return;
        const taking = entry.work.accept(keep.place(entry, handle));
        changed();
        void taking.then(changed);
      });
    },
    refuse: (key) => find(key, (entry) => entry.outgoing || entry.work.refuse('person')),
    hold: (key, value) => find(key, (entry) => entry.work.hold(value)),
    cancel: (key) => find(key, (entry) => entry.work.cancel()),
    /** Takes what is over out of the list. */
    dismiss(key) {
      find(key, (entry) => {
        if (!isOver(entry.state)) return;
        remove(entry);
        changed();
      });
    },
    /** Takes everything out that is over and needs nothing more of anybody. */
    clearOver() {
      for (const entry of all().filter((entry) => isOver(entry.state) && !isUnsaved(entry))) remove(entry);
      changed();
    },
    /** Gives what has come to the browser, to be put where it puts such things. */
    save(key) {
      find(key, (entry) => {
        if (entry.outgoing || entry.state.phase !== 'done') return;
        keep.save(entry).then(
          () => (entry.saved = true),
          // The browser has cleared its private files away.
          () => (entry.state = { phase: 'failed', reason: 'disk' }),
        ).then(changed);
      });
    },

    /** Takes up what this page had begun before it was loaded again: whoever it comes from has to be found. */
    restore() {
      for (const noted of keep.noted()) {
        const entry = add(NOBODY, { outgoing: false, ...noted });
        move(entry, { type: 'accept' });
        move(entry, { type: 'part' });
      }
    },
    /** A participant has left. */
    gone,
    /** Participants have come, of so many others in all. @param {number[]} peers */
    came(peers, others) {
      for (const peer of peers) ask(peer, others);
    },
    /** This page is in no room any more, or as somebody else. */
    clear() {
      for (const peer of [...links.keys()]) gone(peer);
    },
    /** Somebody else may use the page now: nothing is sent on, and nothing of it is left to see or to save. */
    forgetAll() {
      for (const { work } of open(all())) work.cancel();
      for (const entry of all()) remove(entry);
      for (const peer of [...links.keys()]) gone(peer);
      changed();
    },
  };
}
