/**
 * The worker's end of workshop.js: so that neither hashing nor disks hold the page up. One for all transfers; what is asked
 * of one job is done in the order in which it was asked.
 */

import { createReading, writeToMemory, writeToPlace, writeToPrivate } from './jobs.js';
import { privateFolder } from './vault.js';

const jobs = new Map();

const open = {
  read: async ({ file }) => createReading(file),
  memory: async ({ mime }) => writeToMemory(mime),
  place: ({ handle }) => writeToPlace(handle),
  private: async ({ name, ...options }) => writeToPrivate(await privateFolder(), name, options),
};

async function run({ job, ask, args }) {
  if (ask === 'open') {
    const work = await open[args[0].kind](args[0]);
    jobs.get(job).work = work;
    return work.from ?? 0;
  }
  const { work } = jobs.get(job);
  if (ask === 'end') jobs.delete(job);
  return work?.[ask](...args);
}

addEventListener('message', ({ data }) => {
  const { job, call } = data;
  if (!jobs.has(job)) {
    if (data.ask !== 'open') return;
    jobs.set(job, { work: null, last: Promise.resolve() });
  }
  const queue = jobs.get(job);
  queue.last = queue.last.then(() => run(data)).then(
    (value) => postMessage({ call, value }, value instanceof ArrayBuffer ? [value] : []),
    (error) => postMessage({ call, error: { name: String(error?.name), message: String(error?.message) } }),
  );
});
