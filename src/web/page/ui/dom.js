/**
 * Small helpers for building elements. No markup is ever parsed from text.
 */

import { ICONS } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. `data` becomes data attributes, `on` listeners, the rest properties if the element
 * has them and attributes if it does not.
 */
export function h(tag, { data = {}, on = {}, class: className, ...rest } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  Object.assign(element.dataset, data);
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined || value === null) continue;
    if (key in element && !key.includes('-')) element[key] = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An icon, hidden from assistive technology: its button carries the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  setIcon(svg, name);
  return svg;
}

/** Gives an icon another shape; does nothing when it has it. */
export function setIcon(svg, name) {
  if (svg.dataset.icon === name) return;
  svg.dataset.icon = name;
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name] ?? ICONS.launch);
  svg.replaceChildren(path);
}

/** A button with an icon; `label` is a key of the dictionary. */
export function iconButton(name, { label, key, testid, ...rest } = {}) {
  const { data = {}, class: className = '', ...others } = rest;
  return h(
    'button',
    {
      type: 'button',
      class: `button button--icon ${className}`,
      'data-tip': '',
      data: {
        ...data,
        ...(label ? { tLabel: label } : {}),
        ...(key ? { key } : {}),
        ...(testid ? { testid } : {}),
      },
      ...others,
    },
    icon(name),
  );
}

/** Sets the text if it is another; keeps screen readers from hearing what did not change. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Sets or removes an attribute if it is another. */
export function attribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** A name and its tooltip, for a button whose meaning changes. */
export function label(button, words, key) {
  attribute(button, 'aria-label', words);
  const tip = key ? `${words} · ${key}` : words;
  if (button.dataset.tip !== tip) button.dataset.tip = tip;
}

/** Puts a tile where the layout has it, with its role and its size for the style sheets. */
export function place(element, { x, y, width, height, role }) {
  const { style } = element;
  style.left = `${x}px`;
  style.top = `${y}px`;
  style.width = `${width}px`;
  style.height = `${height}px`;
  attribute(element, 'data-role', role);
  attribute(element, 'data-size', width < 240 ? 'small' : width < 460 ? 'medium' : 'large');
}
