/**
 * What the worker does for one transfer: reads a file and hashes it on the way, or hashes what comes and writes it down. Pure
 * but for the files that it is given.
 */

import { Sha256 } from './sha256.js';

/** Bytes read at once of what is there already after a reload. */
const AGAIN = 1024 * 1024;

/** @param {Blob} file */
export function createReading(file) {
  const hash = new Sha256();
  let digest = null;
  return {
    /** The bytes from `from`, at most `length`. Every byte is hashed once, however often it is read. */
    async read(from, length) {
      const buffer = await file.slice(from, from + length).arrayBuffer();
      // When the digest is made, all was read.
      const fresh = hash.length - from;
      if (fresh < 0) throw new RangeError('read out of order');
      if (digest === null && fresh < buffer.byteLength) hash.update(new Uint8Array(buffer, fresh));
      return buffer;
    },
    async digest() {
      if (digest === null && hash.length !== file.size) throw new RangeError('not all of it was read');
      digest ??= hash.hex();
      return digest;
    },
    async end() {},
  };
}

/** @param {{ store: object, from: number, hash: Sha256 }} kept where it goes, and what is there already */
function createWriting({ store, from, hash }) {
  let digest = null;
  return {
    from,
    async write(chunks) {
      const bytes = joined(chunks);
      hash.update(bytes);
      await store.write(bytes);
    },
    async digest() {
      digest ??= hash.hex();
      return digest;
    },
    /** It is right: puts it in its place; the file, where it is nowhere else. */
    finish: () => store.finish(),
    end: (discard) => store.end(discard),
  };
}

function joined(chunks) {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(new Uint8Array(chunk), at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** In the page's memory: where there is nothing better. */
export function writeToMemory(mime) {
  let parts = [];
  const store = {
    // A blob of its own: browsers move those out of the page when they become many.
    write: async (bytes) => void parts.push(new Blob([bytes])),
    finish: async () => new Blob(parts, { type: mime }),
    end: async () => void (parts = []),
  };
  return createWriting({ store, from: 0, hash: new Sha256() });
}

/** Into a file that the person has chosen. What is there is replaced when all has come, and only then. */
export async function writeToPlace(handle) {
  const stream = await handle.createWritable();
  let closed = false;
  const store = {
    write: (bytes) => stream.write(bytes),
    async finish() {
      closed = true;
      await stream.close();
      return null;
    },
    async end() {
      if (!closed) await stream.abort();
      closed = true;
    },
  };
  return createWriting({ store, from: 0, hash: new Sha256() });
}

/**
 * Into the origin's private files, through a handle that writes at once.
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @param {{ size: number, keep: boolean }} options `keep`: goes on with what is there, after a reload
 */
export async function writeToPrivate(folder, name, { size, keep }) {
  const file = await folder.getFileHandle(name, { create: true });
  const access = await file.createSyncAccessHandle();
  const hash = new Sha256();
  let at = 0;
  let closed = false;
  try {
    const there = keep ? access.getSize() : 0;
    if (there <= size) at = there;
    for (let done = 0; done < at; ) {
      const bytes = new Uint8Array(Math.min(AGAIN, at - done));
      const got = access.read(bytes, { at: done });
      if (got === 0) throw new DOMException('it is shorter than it was', 'NotReadableError');
      hash.update(bytes.subarray(0, got));
      done += got;
    }
    access.truncate(at);
  } catch (error) {
    access.close();
    throw error;
  }
  const close = () => {
    if (!closed) access.close();
    closed = true;
  };
  const store = {
    async write(bytes) {
      const done = access.write(bytes, { at });
      if (done !== bytes.length) throw new DOMException('not all of it was written', 'QuotaExceededError');
      at += done;
    },
    async finish() {
      access.flush();
      close();
      return null;
    },
    async end(discard) {
      close();
      if (discard) await folder.removeEntry(name).catch(() => {});
    },
  };
  return createWriting({ store, from: at, hash });
}
