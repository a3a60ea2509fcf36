/**
 * What file transfer needs of a browser and cannot be had in Node: the worker, names nobody can guess, the choosers
 * and the browser's own downloads.
 */

import { createKeeping } from './keeping.js';
import { abilities, sweep } from './vault.js';
import { createWorkshop } from './workshop.js';

/** Pages under `require-trusted-types-for` make workers of addresses that a policy has looked at. */
const WORKER = '/files/worker.js';

let policy;

function makeWorker() {
  policy ??= globalThis.trustedTypes?.createPolicy('vitrina-files', { createScriptURL: () => WORKER });
  return new Worker(policy?.createScriptURL(WORKER) ?? WORKER, { type: 'module' });
}

/** `crypto.randomUUID` is for secure pages alone. */
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Has the browser put a file where it puts downloads. */
function give(file, name) {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  return () => URL.revokeObjectURL(url);
}

/** Asks for a place on the disk; null where the person has thought better of it. */
export async function choosePlace(name) {
  try {
    return await showSaveFilePicker({ suggestedName: name });
  } catch (error) {
    if (error.name === 'AbortError') return null;
    throw error;
  }
}

function tabStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** The parts for `createTransfers`, and what this browser can do. */
export function browserParts(timers) {
  const can = abilities();
  const keep = createKeeping({ can, storage: tabStorage(), newId, give, timers });
  if (can.private) {
    sweep().catch((error) => {
      // Some browsers have them, but not in a private window.
      console.debug('no private files:', error.message);
      can.private = false;
    });
  }
  return { can, keep, newId, workshop: createWorkshop(makeWorker) };
}
