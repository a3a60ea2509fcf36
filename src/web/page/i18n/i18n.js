/**
 * The page's words. Pure but for `translate`, which writes them into marked elements.
 */

import { en } from './en.js';
import { es } from './es.js';

export const LANGUAGES = { en: 'English', es: 'Español' };
const WORDS = { en: { ...en }, es: { ...es } };

/** Words of a part that is fetched later. */
export function addWords(language, words) {
  Object.assign(WORDS[language], words);
}

/**
 * The first of the browser's languages that the page speaks; English otherwise.
 * @param {readonly string[]} preferred BCP 47 tags
 */
export function chooseLanguage(preferred) {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split('-')[0];
    if (Object.hasOwn(WORDS, language)) return language;
  }
  return 'en';
}

/**
 * @param {string} language one of `LANGUAGES`
 * @returns {(key: string, values?: Record<string, string | number>) => string}
 */
export function translator(language) {
  const words = WORDS[language] ?? WORDS.en;
  return (key, values = {}) => {
    const text = words[key] ?? WORDS.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) =>
      Object.hasOwn(values, name) ? String(values[name]) : whole,
    );
  };
}

/** The text of the first key that exists: for words of the daemon's that a page may not know. */
export function firstOf(t, keys) {
  return t(keys.find((key) => Object.hasOwn(en, key)) ?? keys.at(-1));
}

/**
 * Writes the words into `root`: `data-t` is an element's text, `data-t-label` its accessible
 * name and tooltip.
 */
export function translate(root, t) {
  // Only what differs is written: a screen reader may speak of every write.
  for (const element of root.querySelectorAll('[data-t]')) {
    const words = t(element.dataset.t);
    if (element.textContent !== words) element.textContent = words;
  }
  for (const element of root.querySelectorAll('[data-t-label]')) {
    const words = t(element.dataset.tLabel);
    if (element.getAttribute('aria-label') === words) continue;
    element.setAttribute('aria-label', words);
    const { key } = element.dataset;
    if (element.hasAttribute('data-tip')) element.dataset.tip = key ? `${words} · ${key}` : words;
  }
}
