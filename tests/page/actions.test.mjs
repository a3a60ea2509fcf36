/** What a person can do on the page, as far as it needs no document. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createActions } from '../../src/web/page/actions.js';
import { createStore } from '../../src/web/page/state/store.js';

function begin({ signOut = async () => {} } = {}) {
  const done = [];
  const part = (name) => () => ({ forget: () => done.push(name) });
  const store = createStore({ authorized: true, name: 'Ana', role: 'admin', toasts: [] });
  const supervisor = () => ({ stop: (phase) => done.push(phase) });
  const actions = createActions({ store, access: { signOut }, supervisor, meeting: part('meeting'), call: part('call'), files: part('files') });
  return { actions, done, store };
}

test('who signs out leaves nothing to the next one, and is heard until it is gone', async () => {
  const { actions, done, store } = begin();
  await actions.signOut();
  assert.deepEqual(done, ['files', 'call', 'meeting', 'signed-out']);
  assert.deepEqual([store.get().name, store.get().role], [null, 'viewer']);
});

test('who could not be signed out loses nothing', async (t) => {
  t.mock.method(globalThis, 'setTimeout', () => 0);
  const { actions, done, store } = begin({ signOut: () => Promise.reject(new Error('offline')) });
  await actions.signOut();
  assert.deepEqual([done, store.get().name, store.get().toasts[0].key], [[], 'Ana', 'notice.signout']);
});
