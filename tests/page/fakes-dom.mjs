/** As much of a document as views need to be drawn: elements, attributes, events that bubble. No layout. */

class FakeElement extends EventTarget {
  hidden = false;
  value = '';
  type = '';
  id = '';
  tabIndex = 0;
  disabled = false;
  style = {};
  dataset = {};
  childNodes = [];
  parentElement = null;
  #attributes = new Map();

  constructor(tag) {
    super();
    this.tag = tag;
  }
  get children() {
    return this.childNodes.filter((each) => each instanceof FakeElement);
  }
  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  get textContent() {
    return this.childNodes.map((each) => each.textContent ?? each).join('');
  }
  set textContent(text) {
    this.replaceChildren(text);
  }
  getAttribute = (name) => this.#attributes.get(name) ?? null;
  setAttribute = (name, value) => void this.#attributes.set(name, String(value));
  removeAttribute = (name) => void this.#attributes.delete(name);

  append(...nodes) {
    for (const node of nodes) this.insertBefore(node, null);
  }
  insertBefore(node, before) {
    node.remove?.();
    this.childNodes.splice(before === null ? this.childNodes.length : this.childNodes.indexOf(before), 0, node);
    if (node instanceof FakeElement) node.parentElement = this;
  }
  replaceChildren(...nodes) {
    for (const each of this.children) each.parentElement = null;
    this.childNodes = [];
    this.append(...nodes);
  }
  remove() {
    const siblings = this.parentElement?.childNodes;
    siblings?.splice(siblings.indexOf(this), 1);
    this.parentElement = null;
  }
  contains(other) {
    for (let each = other; each; each = each.parentElement) if (each === this) return true;
    return false;
  }
  /** All that are in it, and itself. */
  get all() {
    return [this, ...this.children.flatMap((each) => each.all)];
  }
  part(testid) {
    return this.all.find(({ dataset }) => dataset.testid === testid) ?? null;
  }
  querySelector() {
    return null;
  }
  focus() {}
  select() {}

  /** Something happens to it, and is heard of by those it is in. @returns {Event} */
  happen(type, more = {}) {
    const event = Object.assign(new Event(type, { cancelable: true }), more);
    Object.defineProperty(event, 'target', { value: this });
    for (let at = this; at !== null; at = at.parentElement) at.dispatchEvent(event);
    return event;
  }
  click() {
    return this.happen('click');
  }

  // Of a dialog.
  open = false;
  showModal() {
    this.open = true;
  }
  close() {
    this.open = false;
    this.happen('close');
  }
}

/** Puts a document where views look for one. @returns {(tag?: string) => FakeElement} makes an element */
export function withDocument() {
  const make = (tag = 'div') => new FakeElement(tag);
  globalThis.document = { createElement: make, createElementNS: (_, tag) => make(tag), documentElement: make('html'), activeElement: null };
  globalThis.matchMedia = () => Object.assign(new EventTarget(), { matches: true });
  return make;
}
