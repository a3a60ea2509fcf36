/**
 * A person as a round mark: initials in their colour.
 */

import { initialsOf } from '../room/people.js';
import { attribute, h, text } from './dom.js';

/** It says nothing that the name beside it does not: screen readers pass it over. */
export function createAvatar(className = '') {
  const root = h('span', { class: `avatar ${className}`.trim(), 'aria-hidden': 'true' });
  return {
    root,
    /** @param {{name: string, colour: number}} person */
    render({ name, colour }) {
      text(root, initialsOf(name));
      attribute(root, 'data-colour', String(colour));
    },
  };
}
