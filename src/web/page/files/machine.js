/**
 * What state a transfer is in, on either side, and what may follow. Pure.
 *
 * @typedef {{phase: 'offered'}
 *   | {phase: 'moving', held: {me: boolean, them: boolean}}
 *   | {phase: 'checking'}
 *   | {phase: 'parted'}
 *   | {phase: 'done'}
 *   | {phase: 'refused', by: 'me' | 'them', reason: string}
 *   | {phase: 'cancelled', by: 'me' | 'them'}
 *   | {phase: 'failed', reason: string}} State
 *
 * `parted`: the other has left the room, and may come back as another participant. `failed` has the reasons of the protocol
 * and `gone`: it has not come back.
 */

export const OFFERED = Object.freeze({ phase: 'offered' });
const FREE = Object.freeze({ me: false, them: false });

const ENDS = new Set(['done', 'refused', 'cancelled', 'failed']);
export const isOver = ({ phase }) => ENDS.has(phase);
export const isHeld = ({ phase, held }) => phase === 'moving' && (held.me || held.them);

/**
 * The state after an event; the same object where the event means nothing in it.
 * @param {State} state
 * @param {{type: string}} event `accept`, `refuse {by, reason}`, `hold {by, value}`, `sent` (everything is given to the
 *   network, or written: the digests are compared), `part`, `return`, `verified`, `cancel {by}`, `fail {reason}`
 * @returns {State}
 */
export function step(state, event) {
  if (isOver(state)) return state;
  switch (event.type) {
    case 'accept':
      // Again after a cut: who holds it up here still does; the other side says so anew.
      return { phase: 'moving', held: { ...FREE, me: state.phase === 'moving' && state.held.me } };
    case 'refuse':
      return state.phase === 'offered' ? { phase: 'refused', by: event.by, reason: event.reason } : state;
    case 'hold':
      if (state.phase !== 'moving' || state.held[event.by] === event.value) return state;
      return { phase: 'moving', held: { ...state.held, [event.by]: event.value } };
    case 'sent':
      return state.phase === 'moving' ? { phase: 'checking' } : state;
    case 'part':
      return state.phase === 'offered' ? { phase: 'failed', reason: 'gone' } : { phase: 'parted' };
    case 'return':
      return state.phase === 'parted' ? { phase: 'moving', held: FREE } : state;
    case 'verified':
      return state.phase === 'checking' ? { phase: 'done' } : state;
    case 'cancel':
      return { phase: 'cancelled', by: event.by };
    case 'fail':
      return { phase: 'failed', reason: event.reason };
    default:
      return state;
  }
}
