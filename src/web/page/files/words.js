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
  const say = (key) => t(`files.${key}`, { name: person.name });
  switch (state.phase) {
    case 'offered':
      if (!linked) return say('connecting');
      return say(where === null ? `offered.${side}` : 'opening');
    case 'moving':
      if (!linked) return say('interrupted');
      if (!isHeld(state)) return '';
      return say(state.held.me ? 'held.me' : 'held.them');
    case 'checking':
      return linked ? say('checking') : say('interrupted');
    case 'parted':
      return say('parted');
    case 'done':
      if (outgoing) return say('done.out');
      return say(where === 'place' ? 'done.place' : transfer.saved ? 'done.saved' : 'done.in');
    case 'refused':
      return say(`refused.${state.by}.${state.reason}`);
    case 'cancelled':
      return say(`cancelled.${state.by}`);
    default:
      return say(state.reason === 'gone' ? 'failed.gone' : `failed.${side}.${state.reason}`);
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
