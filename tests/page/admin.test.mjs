/** What admins ask and are told, as messages and as the page has them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, invitationFrom, qrPath, watchersFrom } from '../../src/web/page/net/admin.js';
import { startSession } from '../../src/web/page/net/session.js';
import { openSignalling } from '../../src/web/page/net/signalling.js';
import { sourcesFrom, withState } from '../../src/web/page/state/sources.js';
import { formatter } from '../../src/web/page/stats/format.js';
import { FakeSocket, FakeTimers, fakePeers, welcome } from './fakes.mjs';

test('what is not said is left out of what is asked', () => {
  assert.deepEqual(ask.pause(null), { type: 'pause' });
  assert.deepEqual(ask.resume('screen'), { type: 'resume', source: 'screen' });
  const wanted = { sources: null, expiresS: 3600, uses: null, role: 'viewer', name: '' };
  assert.deepEqual(ask.invite(wanted), { type: 'invite', expires_s: 3600, role: 'viewer' });
  assert.deepEqual(ask.invite({ ...wanted, sources: ['screen'], uses: 5, name: 'Ana' }), {
    type: 'invite',
    sources: ['screen'],
    expires_s: 3600,
    uses: 5,
    role: 'viewer',
    name: 'Ana',
  });
});

test('viewers are told in the order in which they came, and nothing is made up', () => {
  const rung = { width: 640, height: 360, framerate: 10, bitrate_kbps: 250 };
  const told = {
    type: 'viewers',
    viewers: [
      { viewer: 9, by: 'whep', since_ms: 5, from: '10.0.0.x', connected: false, watching: [{ source: 'mic' }] },
      {
        viewer: 2,
        name: 'anna',
        by: 'page',
        since_ms: 1,
        from: '192.168.1.x',
        connected: true,
        watching: [{ source: 'screen', rung: 2, rendition: rung }],
        link: { sent_kbps: 260, loss: 0.015 },
      },
    ],
  };
  const [anna, player] = watchersFrom(told);
  assert.deepEqual([anna.viewer, anna.name, anna.sinceMs], [2, 'anna', 1]);
  assert.deepEqual(anna.watching, [{ source: 'screen', rung }]);
  assert.deepEqual(anna.link, { kbps: 260, lossPercent: 1.5, rttMs: null });
  assert.deepEqual([player.name, player.by, player.link, player.watching], [null, 'whep', null, [{ source: 'mic', rung: null }]]);
});

test('the end of an invitation is in seconds there and in milliseconds here', () => {
  assert.equal(invitationFrom({ invitation: 'k3', expires_s: 1795791726 }).expiresMs, 1795791726000);
});

test('an invitation without limits has none', () => {
  assert.deepEqual(invitationFrom({ invitation: 'k3' }), {
    id: 'k3',
    name: '',
    role: 'viewer',
    sources: null,
    expiresMs: null,
    uses: null,
    used: 0,
  });
});

test('a code’s path covers its dark modules and no others', () => {
  const rows = ['1101', '0000', '1011'];
  const covered = rows.map((row) => [...row].map(() => '0'));
  for (const [, x, y, width] of qrPath(rows).matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let n = 0; n < Number(width); n += 1) covered[y][Number(x) + n] = '1';
  }
  assert.deepEqual(covered.map((row) => row.join('')), rows);
  assert.equal(qrPath([]), '');
});

test('a session hands on what admins are told, and asks what they ask', () => {
  const told = [];
  const on = new Proxy({}, { get: (_, name) => (name === 'admin' ? (message) => told.push(message.type) : () => {}) });
  const timers = new FakeTimers();
  const session = startSession({
    on,
    timers,
    videoCodecs: [],
    wanted: (names) => names,
    chosen: () => null,
    createPeer: fakePeers().create,
    openSignalling: (events) =>
      openSignalling({ ...events, timers, now: timers.now, url: 'ws://host/ws', WebSocket: FakeSocket }),
  });
  const socket = FakeSocket.last;
  socket.open();
  socket.say(welcome());
  for (const type of ['viewers', 'invitations', 'invitation', 'something_later']) socket.say({ type });
  assert.deepEqual(told, ['viewers', 'invitations', 'invitation']);
  session.ask(ask.end(7));
  assert.deepEqual(socket.sent.at(-1), { type: 'end_viewer', viewer: 7 });
  session.leave();
  session.ask(ask.end(8));
  assert.deepEqual(socket.sent.at(-1), { type: 'leave' });
});

test('a paused source says by whom, until it is resumed', () => {
  const sources = sourcesFrom(welcome(['screen']));
  const paused = withState(sources, { name: 'screen', state: 'paused', by: 'machine' });
  assert.deepEqual([paused[0].state, paused[0].by], ['paused', 'machine']);
  const other = withState(paused, { name: 'screen', state: 'paused', by: 'admin' });
  assert.equal(other[0].by, 'admin');
  assert.equal(withState(other, { name: 'screen', state: 'live' })[0].by, null);
});

test('moments and spans are short, in the person’s own language', () => {
  const now = new Date(2026, 10, 27, 14, 5).getTime();
  const [en, es] = [formatter('en'), formatter('es')];
  assert.equal(en.moment(new Date(2026, 10, 27, 9, 30).getTime(), now), '09:30');
  assert.match(en.moment(new Date(2026, 10, 26, 9, 30).getTime(), now), /Nov.*26.*09:30|26.*Nov.*09:30/);
  assert.deepEqual([3600, 7200, 86_400, 90, 60].map(en.span), ['1 hour', '2 hours', '1 day', '90 seconds', '1 minute']);
  assert.equal(es.span(604_800), '7 días');
});
