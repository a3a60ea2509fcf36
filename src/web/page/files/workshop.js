/**
 * The page's end of worker.js: jobs that are asked and answer with promises.
 */

/** What is read of a file at once. */
const PIECE = 1024 * 1024;

/** @param {() => Worker} makeWorker called when there is something to do for the first time */
export function createWorkshop(makeWorker) {
  let worker = null;
  let next = 1;
  const waiting = new Map();

  function begin() {
    worker = makeWorker();
    worker.onmessage = ({ data: { call, value, error } }) => {
      const { resolve, reject } = waiting.get(call) ?? {};
      waiting.delete(call);
      if (error === undefined) resolve?.(value);
      else reject?.(Object.assign(new Error(error.message), { name: error.name }));
    };
    worker.onerror = () => {
      // It could not even be loaded: nothing that was asked will be answered.
      for (const { reject } of waiting.values()) reject(new Error('the worker has failed'));
      waiting.clear();
      worker = null;
    };
  }

  function job(what) {
    const number = next++;
    const ask = (name, args, transfer = []) =>
      new Promise((resolve, reject) => {
        if (worker === null) begin();
        const call = next++;
        waiting.set(call, { resolve, reject });
        worker.postMessage({ job: number, call, ask: name, args }, transfer);
      });
    return { opened: ask('open', [what]), ask };
  }

  return {
    /** Reads a file for `createSender`. */
    reader(file) {
      const { opened, ask } = job({ kind: 'read', file });
      opened.catch(() => {});
      return {
        piece: PIECE,
        read: (from) => ask('read', [from, PIECE]),
        digest: () => ask('digest', []),
        end: () => void ask('end', []).catch(() => {}),
      };
    },

    /**
     * Where a received file goes, for `createReceiver`: `{kind: "memory", mime}`, `{kind: "place", handle}` or `{kind: "private",
     * name, size, keep}`. `from`: what is there already.
     */
    async sink(where) {
      const { opened, ask } = job(where);
      const from = await opened;
      return {
        from,
        write: (chunks) => ask('write', [chunks], chunks),
        digest: () => ask('digest', []),
        /** It is right: the file, where it is in memory. */
        finish: () => ask('finish', []),
        /** @param {boolean} discard whether what has been written goes, too */
        end: (discard) => ask('end', [discard]).catch(() => {}),
      };
    },
  };
}
