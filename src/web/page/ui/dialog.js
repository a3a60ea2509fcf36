/**
 * A dialog with a heading and a way out: what the page's dialogs have in common.
 */

import { h, iconButton } from './dom.js';

/**
 * @param {HTMLDialogElement} dialog
 * @param {object} options
 * @param {string} options.title a key of the dictionary
 * @param {string} options.testid of the button that closes it
 * @param {() => void} [options.closed]
 * @param {...Element} body
 * @returns {HTMLElement} its heading
 */
export function fillDialog(dialog, { title, testid, closed = () => {} }, ...body) {
  const heading = h('h2', { id: `${dialog.id}-title`, data: { t: title } });
  dialog.setAttribute('aria-labelledby', heading.id);
  dialog.append(
    h(
      'div',
      { class: 'dialog__box' },
      h(
        'header',
        { class: 'dialog__head' },
        heading,
        iconButton('close', { label: 'help.close', testid, on: { click: () => dialog.close() } }),
      ),
      ...body,
    ),
  );
  // A press beside the box closes it.
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener('close', closed);
  return heading;
}
