/**
 * The origin's private files (OPFS), in which what is received waits until it is saved, and what else a browser can do with
 * a file. Every file belongs to a page that holds a lock of its name, so that what nobody holds can go.
 */

const FOLDER = 'vitrina-received';
/** What belongs to no page may belong to one that is being loaded again. */
const KEPT_MS = 60 * 60 * 1000;
/** The most that is taken where it must stay in memory. */
export const MEMORY_LIMIT = 256 * 1024 * 1024;

export async function privateFolder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

const lockOf = (name) => `${FOLDER}/${name}`;

/** What this browser has: the private files, a chooser of places on the disk. Both are for secure pages alone. */
export function abilities(scope = globalThis) {
  return {
    private: typeof scope.navigator.storage?.getDirectory === 'function' && 'locks' in scope.navigator,
    place: typeof scope.showSaveFilePicker === 'function',
  };
}

/** Takes a name for as long as the page lives, or until what is returned is called. */
export function holdName(name) {
  let letGo;
  const until = new Promise((resolve) => (letGo = resolve));
  navigator.locks.request(lockOf(name), () => until).catch(() => {});
  return letGo;
}

/** Whether this many bytes more have room, as far as the browser tells. */
export async function hasRoom(bytes) {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined || bytes <= quota - (usage ?? 0);
  } catch {
    return true;
  }
}

export async function privateFile(name) {
  const handle = await (await privateFolder()).getFileHandle(name);
  return handle.getFile();
}

export async function removePrivate(name) {
  await (await privateFolder()).removeEntry(name).catch(() => {});
}

/** Removes what no page holds and nobody has written to for a while. */
export async function sweep(now = Date.now()) {
  const folder = await privateFolder();
  for await (const [name, handle] of folder.entries()) {
    await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
      if (lock === null) return;
      const { lastModified } = await handle.getFile();
      if (now - lastModified > KEPT_MS) await folder.removeEntry(name);
    });
  }
}
