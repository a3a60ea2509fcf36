/** What the page knows and how it is put: settings, sources, covers, words, keys. */

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import test from 'node:test';
import { en } from '../../src/web/page/i18n/en.js';
import { es } from '../../src/web/page/i18n/es.js';
import { chooseLanguage, firstOf, translator } from '../../src/web/page/i18n/i18n.js';
import { causeKey, coverOf } from '../../src/web/page/state/cover.js';
import { loadSettings, settingsSaver } from '../../src/web/page/state/settings.js';
import { after, bigOf, sourcesFrom, toggled, withState } from '../../src/web/page/state/sources.js';
import { createStore } from '../../src/web/page/state/store.js';
import { waysIn } from '../../src/web/page/ui/signin.js';
import { shortcut } from '../../src/web/page/ui/help.js';
import { ICONS } from '../../src/web/page/ui/icons.js';
import { settle, welcome } from './fakes.mjs';

const page = new URL('../../src/web/page/', import.meta.url);

test('both languages say the same things with the same values', () => {
  assert.deepEqual(Object.keys(es).sort(), Object.keys(en).sort());
  const holes = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const key of Object.keys(en)) {
    assert.deepEqual(holes(es[key]), holes(en[key]), key);
    assert.ok(en[key].trim() !== '' && es[key].trim() !== '', key);
  }
});

test('the page says usted to everybody, and never tú', () => {
  const familiar = /(?<!\p{L})(tú|tus?|te|ti|contigo|eres|estás|tienes|puedes|quieres|has|oirás|verás|entrarás|mantén|inténtalo|muévete|ciérralo|suéltalo|guárdalo|permítel[ao])(?!\p{L})/iu;
  for (const [key, words] of Object.entries(es)) assert.doesNotMatch(words, familiar, key);
});

test('every word that the code asks for exists, and every word is asked for', async () => {
  const files = (await readdir(page, { recursive: true })).filter((file) => /(?<!i18n.(?:\w+\.)?e[ns])\.(js|html)$/.test(file));
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, page), 'utf8')));
  const code = texts.join('\n');
  const groups = new Set(Object.keys(en).map((key) => key.split('.')[0]));
  const asked = new Set([...code.matchAll(/['"]([a-z]+(?:\.[a-z_-]+)+)['"]/g)].map(([, key]) => key));
  const begun = [...code.matchAll(/`([a-z]+(?:\.[a-z_]+)*\.)\$\{/g)].map(([, start]) => start);
  for (const key of asked) {
    const group = key.split('.')[0];
    if (groups.has(group) && !key.endsWith('.js')) assert.ok(Object.hasOwn(en, key), `${key} has no words`);
  }
  for (const key of Object.keys(en)) {
    assert.ok(asked.has(key) || begun.some((start) => key.startsWith(start)), `${key} is never said`);
  }
});

test('every word of the protocol has words, or an icon, for people', async () => {
  const core = new URL('../../src/core/', import.meta.url);
  const parts = (await readdir(new URL('protocol', core))).map((file) => `protocol/${file}`);
  const rust = (await Promise.all(['protocol.rs', ...parts].map((file) => readFile(new URL(file, core), 'utf8')))).join('\n');
  const variants = (name) => {
    const body = new RegExp(`pub enum ${name} \\{([^]*?)\\n\\}`).exec(rust)[1];
    return [...body.matchAll(/^ {4}([A-Z]\w+)(?:,| \{)/gm)].map(([, word]) =>
      word.replace(/(?!^)([A-Z])/g, '_$1').toLowerCase(),
    );
  };
  for (const reason of variants('ByeReason').filter((each) => each !== 'left')) {
    assert.ok(en[`lost.${reason}`] && en[`ended.${reason}`], reason);
  }
  for (const cause of variants('FailureCause')) {
    assert.equal(causeKey(cause), `cause.${cause}`);
    const failed = { name: 'a', media: ['video'], state: 'failed', cause, detail: '' };
    const { title, body } = coverOf(failed, { phase: 'connected', offered: null, playing: true });
    for (const words of [en, es]) assert.ok(words[title] && words[body] && words[title] !== words[body], cause);
  }
  for (const by of variants('PausedBy')) assert.ok(en[`cover.paused.${by}`], by);
  for (const state of variants('SourceState')) assert.ok(en[`state.${state}`], state);
  for (const reason of variants('RoomOverReason')) assert.ok(en[`room.out.${reason}`] && en[`room.out.${reason}.title`], reason);
  for (const kind of variants('SourceKindName')) assert.ok(Object.hasOwn(ICONS, kind), kind);
});

test('the browser’s first known language is taken', () => {
  assert.equal(chooseLanguage(['fr-FR', 'es-MX', 'en']), 'es');
  assert.equal(chooseLanguage(['ES']), 'es');
  assert.equal(chooseLanguage(['de', 'fr']), 'en');
  assert.equal(chooseLanguage([]), 'en');
});

test('values are filled in, unknown keys are shown rather than hidden', () => {
  const t = translator('es');
  assert.equal(t('banner.in', { seconds: 3 }), 'Nuevo intento en 3 s.');
  assert.equal(t('banner.in'), 'Nuevo intento en {seconds} s.');
  assert.equal(t('no.such.key'), 'no.such.key');
  assert.equal(firstOf(t, ['lost.later_reason', 'lost.other']), es['lost.other']);
});

test('settings come back as they were stored; what does not fit is passed over', () => {
  const stored = new Map();
  const storage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) };
  const first = loadSettings(storage);
  assert.equal(first.layout, 'grid');
  const save = settingsSaver(storage);
  save({ ...first, phase: 'connected' });
  assert.equal(stored.size, 0, 'nothing changed, nothing stored');
  save({ ...first, layout: 'overlay', hidden: ['camera'], chosenRungs: { screen: 2 }, volume: 0.4, phase: 'ended' });
  const kept = { layout: 'overlay', hidden: ['camera'], chosenRungs: { screen: 2 }, volume: 0.4 };
  assert.deepEqual(loadSettings(storage), { ...first, ...kept });
  for (const rungs of ['[1]', '7', 'null', '{"screen":-1}', '{"screen":"1"}', '{"screen":0.5}']) {
    stored.set('vitrina.settings', `{"chosenRungs":${rungs}}`);
    assert.deepEqual(loadSettings(storage).chosenRungs, {}, rungs);
  }
  stored.set('vitrina.settings', '{"layout":"spiral","volume":7,"hidden":[1],"muted":"yes","theme":"light"}');
  assert.deepEqual(loadSettings(storage), { ...first, theme: 'light' });
  for (const broken of ['{', 'null', '7', '[]', '"x"']) {
    stored.set('vitrina.settings', broken);
    assert.deepEqual(loadSettings(storage), first, broken);
  }
  const refusing = { getItem: () => { throw new Error('no'); }, setItem: () => { throw new Error('no'); } };
  assert.deepEqual(loadSettings(refusing), first);
  const saveNot = settingsSaver(refusing);
  saveNot(first);
  saveNot({ ...first, muted: true });
  assert.deepEqual(loadSettings(null), first);
});

test('a source’s state is replaced, its cause goes with its failure', () => {
  const sources = sourcesFrom(welcome());
  const failed = withState(sources, { name: 'camera', state: 'failed', cause: 'busy', detail: 'text', failures: 2 });
  assert.deepEqual([failed[1].state, failed[1].cause, failed[1].detail, failed[1].failures], ['failed', 'busy', 'text', 2]);
  assert.equal(failed[0], sources[0]);
  const live = withState(failed, { name: 'camera', state: 'live', failures: 2 });
  assert.deepEqual([live[1].state, live[1].cause, live[1].detail, live[1].failures], ['live', null, '', 2]);
  assert.equal(withState(live, { name: 'camera', state: 'live', failures: 2 }), live);
  assert.equal(withState(live, { name: 'nobody', state: 'failed' }), live);
  assert.equal(withState(live, { name: 'camera', state: 'a_later_state' })[1].state, 'idle');
});

test('what lies over a picture says why there is none', () => {
  const source = (state, more = {}) => ({ name: 'a', media: ['video'], state, cause: null, detail: '', ...more });
  const now = (more) => ({ phase: 'connected', offered: [{ source: 'a', media: 'video' }], playing: true, ...more });
  const title = (...about) => coverOf(...about)?.title ?? null;
  assert.equal(title(source('live'), now()), null);
  assert.equal(title(source('live'), now({ playing: false })), 'cover.waiting');
  assert.equal(title(source('starting'), now()), 'cover.starting');
  assert.equal(title(source('idle'), now()), 'cover.idle');
  // Whoever has paused it, also where its picture was seen before or is not part of the session.
  for (const [by, body] of [['machine', 'cover.paused.machine'], ['admin', 'cover.paused.admin'], ['later', 'cover.paused.machine']]) {
    for (const offered of [now().offered, []]) {
      const cover = coverOf({ ...source('paused'), by }, now({ playing: true, offered }));
      assert.deepEqual([cover.look, cover.title, cover.body], ['paused', 'cover.paused', body]);
    }
  }
  assert.equal(title(source('failed', { cause: 'busy' }), now()), 'cause.busy');
  assert.equal(title(source('failed', { cause: 'later' }), now()), 'cause.other');
  assert.equal(title(source('failed', { cause: 'stalled', media: ['audio'] }), now()), 'cause.stalled.audio');
  assert.equal(title(source('live'), now({ offered: [] })), 'cover.missing');
  assert.equal(title(source('live'), now({ phase: 'reconnecting' })), null, 'the last picture stays');
  assert.equal(title(source('live'), now({ phase: 'connecting', playing: false })), 'status.connecting');
});

test('the big one is the chosen one while it is shown; swapping goes round', () => {
  assert.equal(bigOf(['a', 'b'], 'b'), 'b');
  assert.equal(bigOf(['a', 'b'], 'gone'), 'a');
  assert.equal(bigOf([], 'a'), null);
  assert.equal(after(['a', 'b', 'c'], 'c'), 'a');
  assert.equal(after(['a', 'b', 'c'], 'a', -1), 'c');
  assert.equal(after([], 'a'), null);
  assert.deepEqual(toggled(['a'], 'b'), ['a', 'b']);
  assert.deepEqual(toggled(['a', 'b'], 'b'), ['a']);
  assert.deepEqual(toggled(['a'], 'a', true), ['a']);
});

test('changes are told once per turn, and only changes', async () => {
  const store = createStore({ a: 1, b: 1 });
  const told = [];
  const stop = store.subscribe((state) => told.push({ ...state }));
  store.set({ a: 2 });
  store.set({ b: 2 });
  store.set({ b: 2 });
  await settle();
  assert.deepEqual(told, [{ a: 1, b: 1 }, { a: 2, b: 2 }]);
  stop();
  store.set({ a: 3 });
  await settle();
  assert.equal(told.length, 2);
});

test('one may sign in by what there is, by name first', () => {
  const ways = (access, accounts, authorized = false) => waysIn({ access, accounts, authorized });
  assert.deepEqual(ways('token', false), ['token']);
  assert.deepEqual(ways('password', false), ['password']);
  assert.deepEqual(ways('token', true), ['name', 'token']);
  assert.deepEqual(ways('named', true), ['name']);
  assert.deepEqual(ways('named', false), ['name']);
  assert.deepEqual(ways('token', true, true), ['name'], 'who is in wants to be somebody');
  assert.deepEqual(ways('open', true, true), ['name']);
});

test('keys do what the help says, and leave the browser’s own alone', () => {
  const press = (key, more = {}) =>
    shortcut({ key, code: '', shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });
  assert.deepEqual(press('f'), { action: 'fullscreen' });
  assert.deepEqual(press('F'), { action: 'fullscreen' });
  assert.deepEqual(press('2', { code: 'Digit2' }), { action: 'makeBigAt', value: 1 });
  assert.deepEqual(press('"', { code: 'Digit2', shiftKey: true }), { action: 'toggleHiddenAt', value: 1 });
  assert.deepEqual(press('0', { code: 'Digit0' }), { action: 'setLayout', value: 'grid' });
  assert.deepEqual(press('?', { shiftKey: true }), { action: 'help' });
  assert.deepEqual(press('c'), { action: 'toggleRoom' });
  for (const held of ['ctrlKey', 'metaKey', 'altKey']) assert.equal(press('f', { [held]: true }), null);
  for (const composed of [{ isComposing: true }, { keyCode: 229 }]) assert.equal(press('Escape', composed), null);
  for (const key of ['Tab', 'Enter', ' ', 'q', 'constructor']) assert.equal(press(key), null, key);
});
