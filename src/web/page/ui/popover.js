/**
 * A panel that belongs to a button: opens and closes with it, with Escape and with a press
 * elsewhere; the keyboard's focus goes in and comes back.
 */

let openOne = null;

/** Closes the open panel. @returns {boolean} whether there was one */
export function closePopover() {
  if (openOne === null) return false;
  openOne.close(true);
  return true;
}

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} panel
 * @param {object} [on]
 * @param {() => void} [on.opening] it is about to get the focus
 */
export function bindPopover(button, panel, { opening = () => {} } = {}) {
  panel.hidden = true;
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-haspopup', 'true');
  button.setAttribute('aria-controls', panel.id);

  const outside = ({ target }) => {
    if (!panel.contains(target) && !button.contains(target)) self.close(false);
  };
  const left = ({ relatedTarget }) => {
    if (relatedTarget !== null && !panel.contains(relatedTarget) && !button.contains(relatedTarget)) self.close(false);
  };

  const self = {
    open() {
      if (openOne !== null) openOne.close(false);
      openOne = self;
      panel.hidden = false;
      button.setAttribute('aria-expanded', 'true');
      document.addEventListener('pointerdown', outside, true);
      panel.addEventListener('focusout', left);
      opening();
      const chosen = panel.querySelector('[aria-checked="true"]');
      const first = chosen ?? panel.querySelector('input:checked, input, button:not(:disabled)');
      first?.focus({ preventScroll: true });
    },
    close(returnFocus) {
      if (openOne === self) openOne = null;
      panel.hidden = true;
      button.setAttribute('aria-expanded', 'false');
      document.removeEventListener('pointerdown', outside, true);
      panel.removeEventListener('focusout', left);
      if (returnFocus) button.focus();
    },
  };
  button.addEventListener('click', () => (panel.hidden ? self.open() : self.close(true)));
  return self;
}
