/**
 * What is said of a transfer, by its state. Pure.
 */

import { isHeld } from './machine.js';

/**
 * The sentence under a transfer's name.
 * @param {import('./transfers.js').Transfer} transfer
 * @param {Function} t
 */
export function sentence(transfer, t) {
  const { state, person, outgoing, linked, where } = transfer;
  const side = outgoing ? 'out' : 'in';
  const say = (key) => t(key, { name: person.name });
  switch (state.phase) {
    case 'offered':
      if (!linked) return say('files.connecting');
      return say(where === null ? `files.offered.${side}` : 'files.opening');
    case 'moving':
      if (!linked) return say('files.interrupted');
      if (!isHeld(state)) return '';
      return say(state.held.me ? 'files.held.me' : 'files.held.them');
    case 'checking':
      return linked ? say('files.checking') : say('files.interrupted');
    case 'parted':
      return say('files.parted');
    case 'done':
      if (outgoing) return say('files.done.out');
      return say(where === 'place' ? 'files.done.place' : transfer.saved ? 'files.done.saved' : 'files.done.in');
    case 'refused':
      return say(`files.refused.${state.by}.${state.reason}`);
    case 'cancelled':
      return say(`files.cancelled.${state.by}`);
    default:
      return say(state.reason === 'gone' ? 'files.failed.gone' : `files.failed.${side}.${state.reason}`);
  }
}

/** What lies under the bar: how much, how fast, how long still. Parts that are not known are left out. */
export function figures({ size, bytes, speed, left, state, linked }, format, t) {
  const goes = state.phase === 'moving' && linked && !isHeld(state);
  return [
    t('files.of', { done: format.bytes(bytes), size: format.bytes(size) }),
    goes && speed !== null ? t('files.speed', { speed: format.bytes(speed) }) : null,
    goes && left !== null ? t('files.left', { time: format.estimate(left) }) : null,
  ].filter((part) => part !== null);
}

/** What one can do with it, in the order of the buttons. */
export function choices({ state, outgoing, where, saved, size }, { place, most }) {
  switch (state.phase) {
    case 'offered':
      if (outgoing || where !== null) return ['cancel'];
      return [...(size <= most ? ['accept'] : []), ...(place ? ['place'] : []), 'refuse'];
    case 'moving':
      return [state.held.me ? 'resume' : 'pause', 'cancel'];
    case 'checking':
    case 'parted':
      return ['cancel'];
    case 'done':
      return [...(!outgoing && where !== 'place' ? [saved ? 'again' : 'save'] : []), 'dismiss'];
    default:
      return ['dismiss'];
  }
}

/** How loudly it is shown: `asks` somebody, is on its `way`, went `well` or `badly`, or is just `over`. */
export function look({ state, outgoing }) {
  if (state.phase === 'offered') return outgoing ? 'way' : 'asks';
  if (state.phase === 'done') return 'well';
  if (state.phase === 'failed') return 'badly';
  return state.phase === 'refused' || state.phase === 'cancelled' ? 'over' : 'way';
}

const RANKS = ['asks', 'way', 'well', 'badly', 'over'];

/** In the order in which they are shown: what asks for an answer first, then what goes on, then what is over; of each the latest first. */
export const ranked = (transfers) => [...transfers].reverse().sort((a, b) => RANKS.indexOf(look(a)) - RANKS.indexOf(look(b)));
