/**
 * Where what comes in is put: in the browser's private files until it is saved, at a place on the disk that the person has
 * chosen, or, where the browser has neither, in memory.
 */

import { MEMORY_LIMIT, hasRoom, holdName, privateFile, removePrivate } from './vault.js';

/** Where a page notes what it has begun, so that it goes on when it is loaded again. */
const NOTES = 'vitrina.files';
const NOTES_MOST = 64;
/** A browser that is given a file reads it for a while. */
const SAVING_MS = 60_000;

/**
 * @param {object} options
 * @param {{private: boolean, place: boolean}} options.can of vault.js
 * @param {Storage | null} options.storage of this tab
 * @param {() => string} options.newId
 * @param {(file: Blob, name: string) => () => void} options.give has the browser save it; what it returns lets go of it
 * @param {object} options.timers
 */
export function createKeeping({ can, storage, newId, give, timers }) {
  /** The private file of each, and what lets go of its name. */
  const held = new WeakMap();

  function notes() {
    try {
      const value = JSON.parse(storage?.getItem(NOTES) ?? '[]');
      return Array.isArray(value) ? value : [];
    } catch {
      return [];
    }
  }

  function note(list) {
    try {
      storage?.setItem(NOTES, JSON.stringify(list.slice(-NOTES_MOST)));
    } catch {
      // Then it does not go on after a reload.
    }
  }

  const isOf = (entry) => (noted) => noted.id === entry.id;

  function hold(entry, name) {
    held.set(entry, { name, letGo: holdName(name) });
  }

  return {
    /** The largest file that can be taken here at all, and without a place that the person chooses. */
    get most() {
      return can.private || can.place ? Infinity : MEMORY_LIMIT;
    },
    get mostHere() {
      return can.private ? Infinity : MEMORY_LIMIT;
    },
    hasRoom: async (size, { kind }) => (kind === 'memory' ? size <= MEMORY_LIMIT : kind !== 'private' || hasRoom(size)),

    /** Where a transfer is to go that was accepted. */
    place(entry, handle) {
      if (handle !== undefined) return { kind: 'place', handle };
      if (!can.private) return { kind: 'memory' };
      const name = newId();
      hold(entry, name);
      const { id, size } = entry;
      const { mime } = entry;
      const { id: was, name: called, colour } = entry.person;
      note([...notes(), { id, size, name, mime, file: entry.name, person: { id: was, name: called, colour } }]);
      return { kind: 'private', name, keep: false };
    },

    /** What was coming in when this page was loaded again: the fields of each, `before` where it was going. */
    noted() {
      if (!can.private) return [];
      return notes().map(({ id, size, mime, file, person, name }) => ({ id, size, mime, name: file, person, before: { kind: 'private', name, keep: true } }));
    },
    /** Takes up one of those. */
    resume(entry) {
      hold(entry, entry.before.name);
      return entry.before;
    },

    /** It has ended, this way or that: it is not gone on with. */
    over(entry) {
      note(notes().filter((noted) => !isOf(entry)(noted)));
    },

    /** Has the browser save it. */
    async save(entry) {
      const file = entry.where === 'private' ? await privateFile(held.get(entry).name) : entry.file;
      const letGo = give(file, entry.name);
      timers.setTimeout(letGo, SAVING_MS);
    },

    /** It is out of the list. What was given to the browser may still be read: that goes when this page's successor sweeps. */
    forget(entry) {
      const { name, letGo } = held.get(entry) ?? {};
      entry.file = null;
      if (name === undefined) return;
      if (entry.saved) letGo();
      else removePrivate(name).then(letGo, letGo);
    },
  };
}
