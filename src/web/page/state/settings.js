/**
 * What this browser remembers between visits. Anything stored that is not of its form is passed
 * over; where nothing can be stored, the defaults hold for the visit.
 */

const KEY = 'vitrina.settings';

export const LAYOUTS = ['grid', 'focus', 'overlay'];
export const THEMES = ['system', 'dark', 'light'];

const isName = (value) => typeof value === 'string';
const isRungs = (value) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((rung) => Number.isInteger(rung) && rung >= 0);
const isDevices = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isName);
const oneOf = (values) => (value) => values.includes(value);

/** Each setting: its default and its form. */
const FORMS = {
  theme: ['system', oneOf(THEMES)],
  language: [null, (value) => value === null || isName(value)],
  layout: ['grid', oneOf(LAYOUTS)],
  /** The source that is big, where the layout has a big one. */
  big: [null, (value) => value === null || isName(value)],
  /** Sources that are not taken. */
  hidden: [[], (value) => Array.isArray(value) && value.every(isName)],
  muted: [false, (value) => typeof value === 'boolean'],
  volume: [1, (value) => typeof value === 'number' && value >= 0 && value <= 1],
  /** Sources whose sound is off. */
  mutedSources: [[], (value) => Array.isArray(value) && value.every(isName)],
  /** The rung that was chosen for a source, by the source's name; automatic for those not in it. */
  chosenRungs: [{}, isRungs],
  /** The devices of a call, by kind, and whether one comes to it with the camera on. */
  callDevices: [{}, isDevices],
  callCamera: [true, (value) => typeof value === 'boolean'],
  stats: [false, (value) => typeof value === 'boolean'],
  /** Whether the room stands beside the stage, where there is a room; null: nobody has said. */
  roomOpen: [null, (value) => value === null || typeof value === 'boolean'],
  /** What one wants to be called in rooms; null leaves it to the daemon. */
  roomName: [null, (value) => value === null || isName(value)],
};

/**
 * @param {Storage | null} storage
 */
export function loadSettings(storage) {
  let stored = {};
  try {
    stored = JSON.parse(storage?.getItem(KEY) ?? '{}') ?? {};
  } catch {
    // Not readable, or not ours: the defaults hold.
  }
  const settings = {};
  for (const [key, [initial, fits]] of Object.entries(FORMS)) {
    settings[key] = Object.hasOwn(stored, key) && fits(stored[key]) ? stored[key] : initial;
  }
  return settings;
}

/**
 * Stores the settings among a state's parts whenever one of them has changed.
 * @param {Storage | null} storage
 * @returns {(state: object) => void}
 */
export function settingsSaver(storage) {
  let last = null;
  return (state) => {
    const text = JSON.stringify(Object.fromEntries(Object.keys(FORMS).map((key) => [key, state[key]])));
    if (text === last) return;
    const first = last === null;
    last = text;
    // What was just loaded needs no storing.
    if (first) return;
    try {
      storage?.setItem(KEY, text);
    } catch {
      // Private window or full: this visit keeps them all the same.
    }
  };
}
