/**
 * Push-to-talk: while the space bar is held, a muted microphone is heard.
 */

const TYPES = 'input:not([type="checkbox"], [type="radio"], [type="range"]), textarea, select, [contenteditable="true"]';

/**
 * @param {object} options
 * @param {() => boolean} options.wanted whether there is a muted microphone
 * @param {(is: boolean) => void} options.talk
 */
export function createTalkKey({ wanted, talk }) {
  let held = false;
  /** Whether the focus is where the keyboard has brought it. A button that was clicked keeps it, but nobody means that. */
  let tabbed = false;

  /** Whether the key belongs to something else: words being typed, or a control chosen by the keyboard. */
  function isTaken(target) {
    return target.closest?.(TYPES) != null || (tabbed && target.closest?.('button, a, summary, input') != null);
  }

  function end() {
    if (!held) return;
    held = false;
    talk(false);
  }

  addEventListener('pointerdown', () => (tabbed = false), true);
  addEventListener('keydown', (event) => {
    if (event.code === 'Tab') tabbed = true;
    if (event.code !== 'Space' || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (held) {
      event.preventDefault();
      return;
    }
    const elsewhere = document.querySelector('dialog[open]') !== null || isTaken(event.target);
    if (elsewhere || event.repeat || !wanted()) return;
    event.preventDefault();
    held = true;
    talk(true);
  });
  addEventListener('keyup', (event) => {
    if (event.code !== 'Space' || !held) return;
    // Else the button that has the focus would be pressed.
    event.preventDefault();
    end();
  });
  // What is released elsewhere is not told here.
  addEventListener('blur', end);
  document.addEventListener('visibilitychange', () => document.hidden && end());

  return {
    /** The call may have ended, or the microphone is no longer muted. */
    check: () => held && !wanted() && end(),
  };
}
