/**
 * Files that are dragged over the page, and the button that chooses them: for whom they are, and which.
 */

import { createAvatar } from './avatar.js';
import { attribute, h, icon, text } from './dom.js';

/** The files of a drop; folders cannot be sent, and are told apart. */
function contents({ items, files }) {
  const entries = [...(items ?? [])].filter(({ kind }) => kind === 'file').map((item) => item.webkitGetAsEntry?.() ?? null);
  const isFolder = (at) => entries[at]?.isDirectory === true;
  return { files: [...files].filter((_, at) => !isFolder(at)), folders: entries.filter((_, at) => isFolder(at)).length };
}

const hasFiles = ({ dataTransfer }) => dataTransfer !== null && [...dataTransfer.types].includes('Files');

/**
 * @param {HTMLElement} root covers the page
 * @param {object} acts
 * @param {(files: File[], to: number | null) => void} acts.send null: to everybody
 * @param {() => void} acts.folder somebody has dropped a folder
 */
export function createDrop(root, acts) {
  const title = h('p', { class: 'drop__title', data: { testid: 'drop-title' } });
  const hint = h('p', { class: 'drop__hint' });
  const targets = h('div', { class: 'drop__targets' });
  root.append(h('div', { class: 'drop__box' }, title, targets, hint));
  root.hidden = true;
  let others = [];
  let allowed = false;
  let targetsOf = '';
  /** Elements that the drag has entered and not left: those inside tell of themselves, too. */
  let inside = 0;

  function show(value) {
    if (!value) inside = 0;
    root.hidden = !value || !allowed;
  }

  function target(id, mark, words) {
    const element = h('div', { class: 'drop__target', data: { testid: 'drop-target', ...(id === null ? {} : { peer: String(id) }) } }, mark, h('bdi', {}, words));
    element.addEventListener('dragenter', () => attribute(element, 'data-over', true));
    element.addEventListener('dragleave', ({ relatedTarget }) => element.contains(relatedTarget) || attribute(element, 'data-over', null));
    element.addEventListener('drop', (event) => take(event, id));
    return element;
  }

  function take(event, to) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    show(false);
    targets.querySelectorAll('[data-over]').forEach((element) => attribute(element, 'data-over', null));
    const { files, folders } = contents(event.dataTransfer);
    if (folders > 0) acts.folder();
    if (files.length > 0 && allowed) acts.send(files, to);
  }

  addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    inside += 1;
    if (allowed) show(true);
  });
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    // Otherwise the browser would open the file in place of the page.
    event.preventDefault();
    event.dataTransfer.dropEffect = allowed ? 'copy' : 'none';
  });
  addEventListener('dragleave', (event) => {
    if (!hasFiles(event)) return;
    inside -= 1;
    if (inside <= 0) show(false);
  });
  // Beside every target: to the only one who is here; of several, nobody was meant.
  addEventListener('drop', (event) => {
    if (others.length === 1) take(event, others[0].id);
    else if (hasFiles(event)) event.preventDefault();
    show(false);
  });

  return {
    /** @param {{others: object[], most: string}} room who else is here; how large a file may be, in words; null: none */
    render({ others: now, most }, t) {
      others = now;
      allowed = most !== null && others.length > 0;
      if (!allowed && !root.hidden) show(false);
      text(title, t(others.length === 1 ? 'files.drop.one' : 'files.drop.title', { name: others[0]?.name ?? '' }));
      text(hint, t('files.drop.hint', { size: most ?? '' }));
      const key = JSON.stringify([others.map(({ id, name, colour }) => [id, name, colour]), t('files.drop.all')]);
      if (key === targetsOf) return;
      targetsOf = key;
      const people = others.map((person) => {
        const avatar = createAvatar();
        avatar.render(person);
        return target(person.id, avatar.root, person.name);
      });
      const all = others.length > 1 ? [target(null, icon('people'), t('files.drop.all'))] : [];
      targets.replaceChildren(...all, ...people);
    },
  };
}

/** Has the person choose files. @param {(files: File[]) => void} take */
export function chooseFiles(take) {
  const input = h('input', { type: 'file', multiple: true, hidden: true, data: { testid: 'file-input' } });
  const end = () => input.remove();
  input.addEventListener('change', () => {
    end();
    if (input.files.length > 0) take([...input.files]);
  });
  input.addEventListener('cancel', end);
  // Some browsers let go of one that is not in the document.
  document.body.append(input);
  input.click();
}
