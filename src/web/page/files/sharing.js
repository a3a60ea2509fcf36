/**
 * Joins file transfer to the room, the pairs and the store. Decides nothing by itself.
 */

import { formatter } from '../stats/format.js';
import { isOpen } from '../ui/room.js';
import { browserParts, choosePlace } from './browser.js';
import { createTransfers } from './transfers.js';

const MIB = 1024 * 1024;

/** The words about files at the edge: of these there is the latest. */
const KIND = 'files';

/**
 * @param {object} options
 * @param {object} options.room
 * @param {object} options.pairs
 * @param {object} options.store
 * @param {object} options.timers
 * @param {(key: string, values: object, press?: object) => void} options.note says something at the edge
 */
export function createSharing({ room, pairs, store, timers, note }) {
  const parts = browserParts(timers);
  const transfers = createTransfers({
    ...parts,
    pairs,
    timers,
    me: () => room.me?.id ?? null,
    person: (id) => (id === room.me?.id ? null : room.participant(id)),
    limits: () => room.limits,
    onChange,
    onOffer: (transfer) => call('files.note.offered', transfer),
    onDone: (transfer) => call('files.note.done', transfer),
  });

  function onChange() {
    const files = transfers.list();
    store.set({ files });
    const waits = files.some(({ outgoing, state, saved }) => !outgoing && (state.phase === 'offered' || (state.phase === 'done' && !saved)));
    const { toasts } = store.get();
    if (!waits && toasts.some(({ kind }) => kind === KIND)) store.set({ toasts: toasts.filter(({ kind }) => kind !== KIND) });
  }

  /** Calls somebody to the cards, who does not see them. */
  function call(key, { name, person }) {
    if (isOpen(store.get())) return;
    note(key, { name: person.name, file: name }, { kind: KIND, action: 'files.note.show', press: 'showFiles' });
  }

  transfers.restore();
  room.on('left', ({ id }) => transfers.gone(id));
  room.on('arrived', ({ id }) => transfers.came([id], others().length));
  room.on('entered', ({ resumed }) => {
    if (resumed) return;
    transfers.clear();
    // When everybody has heard of it: pairs of before are still being closed.
    queueMicrotask(() => transfers.came(others().map(({ id }) => id), others().length));
  });
  room.on('out', () => transfers.clear());
  addEventListener('beforeunload', (event) => transfers.busy && event.preventDefault());

  const others = () => room.participants.filter(({ id }) => id !== room.me?.id);
  const size = (bytes) => formatter(store.get().lang).bytes(bytes);

  const choose = {
    accept: ({ key }) => transfers.accept(key),
    async place({ key, name }) {
      const handle = await choosePlace(name);
      if (handle !== null) transfers.accept(key, handle);
    },
    refuse: ({ key }) => transfers.refuse(key),
    pause: ({ key }) => transfers.hold(key, true),
    resume: ({ key }) => transfers.hold(key, false),
    cancel: ({ key }) => transfers.cancel(key),
    save: ({ key }) => transfers.save(key),
    again: ({ key }) => transfers.save(key),
    dismiss: ({ key }) => transfers.dismiss(key),
  };

  return {
    can: parts.can,
    keep: parts.keep,
    choose: (what, transfer) => choose[what](transfer),
    clear: () => transfers.clearOver(),
    forget: () => transfers.forgetAll(),
    folder: () => note('files.note.folder', {}),

    /** Offers files to one participant, or to everybody who is here now (null). */
    send(files, to) {
      const peers = to === null ? others().map(({ id }) => id) : [to];
      if (peers.length === 0) {
        note('files.note.nobody', {});
        return;
      }
      const most = size(room.limits.filesMib * MIB);
      for (const { name } of transfers.offer(files, peers)) note('files.note.too_large', { file: name, size: most });
    },

    get others() {
      return others();
    },
    /** How large a file may be, in words; null: this page may send none. */
    get most() {
      const { filesMib } = room.limits;
      return room.inside && room.mayTalk && filesMib > 0 ? size(filesMib * MIB) : null;
    },
  };
}
