/**
 * The tracks that two participants send each other: four slots in a fixed order, which one side makes
 * and both fill. What is in a slot changes by `replaceTrack`, without negotiation.
 */

/** What may be sent, in the order of the m-lines. `sound` is what the shared screen plays. */
export const SLOTS = [
  { slot: 'microphone', kind: 'audio', stream: 'person' },
  { slot: 'camera', kind: 'video', stream: 'person' },
  { slot: 'screen', kind: 'video', stream: 'screen' },
  { slot: 'sound', kind: 'audio', stream: 'screen' },
];

/**
 * @param {object} options
 * @param {boolean} options.maker whether the slots are made on this side
 * @param {() => MediaStream} [options.newStream]
 */
export function createTracks({ maker, newStream = () => new MediaStream() }) {
  const wanted = Object.fromEntries(SLOTS.map(({ slot }) => [slot, null]));
  /** Sound and picture of one stream are played in step. */
  let streams = null;
  let isOpen = false;
  /** The connection's transceivers, in the order of `SLOTS`; null before there are any. */
  let transceivers = null;

  const streamOf = (name) => {
    streams ??= { person: newStream(), screen: newStream() };
    return streams[name];
  };

  function make(connection) {
    transceivers = SLOTS.map(({ slot, kind, stream }) =>
      connection.addTransceiver(wanted[slot] ?? kind, { direction: 'sendrecv', streams: [streamOf(stream)] }),
    );
  }

  /** Puts into the slots what is wanted in them. */
  function fill() {
    transceivers?.forEach((transceiver, at) => {
      const { slot } = SLOTS[at];
      if (transceiver.stopped || transceiver.currentDirection === 'stopped') return;
      const direction = isOpen ? 'sendrecv' : 'inactive';
      if (transceiver.direction !== direction) transceiver.direction = direction;
      const track = isOpen ? wanted[slot] : null;
      if (transceiver.sender.track !== track) replace(transceiver.sender, track);
    });
  }

  /** Refused only where the connection was closed meanwhile, or the track is of the wrong kind. */
  function replace(sender, track) {
    sender.replaceTrack(track).catch((error) => console.debug('track passed over:', error.message));
  }

  return {
    open() {
      isOpen = true;
    },

    /** A connection is there, or the call is open now. */
    attach(connection) {
      if (transceivers === null && isOpen && maker) make(connection);
      else fill();
    },

    /** The other side's offer was taken: the slots that it has made are filled. */
    adopt(connection) {
      if (!maker && transceivers === null) {
        const theirs = connection.getTransceivers();
        const fits = SLOTS.every(({ kind }, at) => theirs[at]?.receiver.track.kind === kind);
        if (fits) {
          transceivers = theirs.slice(0, SLOTS.length);
          // Once: each call of it asks for another negotiation.
          transceivers.forEach(({ sender }, at) => sender.setStreams?.(streamOf(SLOTS[at].stream)));
        }
      }
      fill();
    },

    /** The connection is gone. */
    detach() {
      transceivers = null;
    },

    close() {
      isOpen = false;
      for (const { slot } of SLOTS) wanted[slot] = null;
      fill();
    },

    set(slot, track) {
      wanted[slot] = track;
      if (isOpen) fill();
    },

    /** The name of a transceiver's slot, or null where it has none. */
    slotOf(connection, transceiver) {
      const all = transceivers ?? connection.getTransceivers();
      return SLOTS[all.indexOf(transceiver)]?.slot ?? null;
    },

    sender: (slot) => transceivers?.[SLOTS.findIndex((each) => each.slot === slot)]?.sender ?? null,
    receiver: (slot) => transceivers?.[SLOTS.findIndex((each) => each.slot === slot)]?.receiver ?? null,
  };
}
