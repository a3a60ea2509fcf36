/** The room as the page has it: who is there, and that nothing said is lost, doubled or out of order. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createChannels } from '../../src/web/page/room/channel.js';
import { Log, saidFrom } from '../../src/web/page/room/log.js';
import { createRoom } from '../../src/web/page/room/room.js';
import { newId, pathOf, roomOf } from '../../src/web/page/room/told.js';
import { FakeTimers } from './fakes.mjs';

const person = (id, name = `P${id}`, more = {}) => ({ id, name, colour: id % 12, ...more });
const line = (seq, more = {}) => ({ type: 'said', seq, id: `m${seq}`, from: 2, name: 'Ben', colour: 2, time_ms: seq * 1000, text: `text ${seq}`, ...more });
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => line(from + at));
const ROOMS = [
  { name: 'main', title: 'Workshop', people: 1 },
  { name: 'quiet', title: 'Quiet', people: 0 },
];

/** A room, what it has sent, and what it has told. */
function begin({ name = 'main' } = {}) {
  const timers = new FakeTimers();
  let ids = 0;
  const room = createRoom({ name, timers, newId: () => `own${(ids += 1)}` });
  const run = { room, timers, sent: [], told: [] };
  for (const event of ['entered', 'lost', 'out', 'arrived', 'changed', 'left', 'said', 'signal', 'pointed', 'refused']) {
    room.on(event, (...values) => run.told.push([event, ...values]));
  }
  run.connect = (rooms = ROOMS) => room.connected({ rooms }, (message) => run.sent.push(message));
  run.answer = (more = {}) =>
    room.hear({
      type: 'room',
      name,
      title: 'Workshop',
      me: 1,
      resume: 'secret',
      may_talk: true,
      participants: [person(1), person(2)],
      history: [],
      more: false,
      limits: { people: 32, calls: 8, files_mib: 4096 },
      rooms: ROOMS,
      ...more,
    });
  run.enter = (more) => {
    run.connect();
    run.answer(more);
    return run;
  };
  run.of = (type) => run.sent.filter((each) => each.type === type);
  run.events = (event) => run.told.filter(([each]) => each === event);
  run.texts = () => room.snapshot.messages.map(({ text }) => text);
  run.seqs = () => room.snapshot.messages.map(({ seq }) => seq);
  return run;
}

test('the room of the path is entered where there is one', () => {
  const run = begin();
  run.connect();
  assert.deepEqual(run.sent, [{ type: 'enter', room: 'main' }]);
  run.answer();
  assert.ok(run.room.inside);
  assert.deepEqual([run.room.me.id, run.room.participants.length, run.room.limits.filesMib], [1, 2, 4096]);
  assert.deepEqual(run.events('entered'), [['entered', { resumed: false }]]);
});

test('without rooms nothing is entered, and nothing is said of it', () => {
  const run = begin();
  run.connect([]);
  assert.deepEqual(run.sent, []);
  assert.equal(run.room.snapshot.here, false);
});

test('a room that is not there is said so, and entered as soon as it is made', () => {
  const run = begin({ name: 'later' });
  run.connect();
  assert.equal(run.room.snapshot.cause, 'unknown_room');
  assert.deepEqual(run.sent, []);
  run.room.hear({ type: 'rooms', rooms: [...ROOMS, { name: 'later', title: 'Later', people: 0 }] });
  assert.deepEqual(run.sent, [{ type: 'enter', room: 'later' }]);
  assert.equal(run.room.snapshot.cause, null);
});

test('a full room is not tried again by itself', () => {
  const run = begin();
  run.connect();
  assert.ok(run.room.refused('room_full', 'As many as may be are here.'));
  assert.deepEqual(run.events('out'), [['out', { code: 'room_full', message: 'As many as may be are here.' }]]);
  run.room.hear({ type: 'rooms', rooms: ROOMS });
  assert.equal(run.of('enter').length, 1);
  run.room.enter();
  assert.equal(run.of('enter').length, 2);
});

test('who came too often comes again a little later', async () => {
  const run = begin();
  run.connect();
  run.room.refused('too_fast', '');
  await run.timers.pass(2000);
  assert.equal(run.of('enter').length, 2);
  run.answer();
  await run.timers.pass(5000);
  assert.equal(run.of('enter').length, 2);
});

test('a stored name that is one no more gives way to the daemon’s', () => {
  const run = begin();
  run.room.rename('Ana');
  run.connect();
  run.room.refused('bad_name', '');
  assert.deepEqual(run.of('enter').map(({ name }) => name), ['Ana', undefined]);
});

test('who comes, changes and goes is told, each once', () => {
  const run = begin().enter();
  run.room.hear({ type: 'arrived', participant: person(3) });
  run.room.hear({ type: 'arrived', participant: person(3) });
  run.room.hear({ type: 'changed', participant: person(3, 'Cy', { camera: true }) });
  run.room.hear({ type: 'changed', participant: person(1, 'Me') });
  run.room.hear({ type: 'left', participant: 3, reason: 'lost' });
  run.room.hear({ type: 'left', participant: 3, reason: 'lost' });
  assert.deepEqual(run.told.map(([event]) => event), ['entered', 'arrived', 'changed', 'changed', 'left']);
  assert.equal(run.told[2][2].name, 'P3', 'what it was before');
  assert.equal(run.room.me.name, 'Me');
});

test('messages come once and in order, however they come', () => {
  const run = begin().enter({ history: lines(1, 3) });
  for (const seq of [5, 4, 4, 2, 7, 6, 5]) run.room.hear(line(seq));
  assert.deepEqual(run.seqs(), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(run.events('said').map(([, { seq }]) => seq), [4, 5, 6, 7], 'what history brought is no news');
});

test('every order of messages and histories ends in the same log', () => {
  // A small generator of its own: the same orders each time.
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let round = 0; round < 300; round += 1) {
    const log = new Log();
    const total = 12;
    const left = lines(1, total).map(saidFrom);
    const queue = [...left, ...left.slice(random(6))];
    while (queue.length > 0) {
      const [one] = queue.splice(random(queue.length), 1);
      if (random(4) === 0) log.fill(left.slice(log.last, random(total + 1)));
      log.add(one);
    }
    log.fill(left.slice(log.last));
    assert.deepEqual(log.messages.map(({ seq }) => seq), Array.from({ length: total }, (_, at) => at + 1), `round ${round}`);
    assert.ok(log.messages.every(({ after }) => !after));
    assert.equal(log.gap, false);
  }
});

test('a gap that does not close is asked for, again and again, and only then', async () => {
  const run = begin().enter({ history: lines(1, 1) });
  run.room.hear(line(3));
  await run.timers.pass(300);
  run.room.hear(line(2));
  await run.timers.pass(5000);
  assert.deepEqual(run.of('catch_up'), []);
  run.room.hear(line(6));
  await run.timers.pass(500);
  assert.deepEqual(run.of('catch_up'), [{ type: 'catch_up', since: 3 }]);
  await run.timers.pass(2000);
  assert.equal(run.of('catch_up').length, 2);
  run.room.hear({ type: 'history', messages: lines(4, 6), more: false });
  await run.timers.pass(5000);
  assert.deepEqual([run.of('catch_up').length, run.seqs()], [2, [1, 2, 3, 4, 5, 6]]);
  assert.equal(run.timers.pending, 0);
});

test('what is gone for good is marked, not waited for', async () => {
  const run = begin().enter({ history: lines(5, 6), more: true });
  run.room.hear(line(7));
  assert.deepEqual(run.seqs(), [5, 6, 7]);
  assert.deepEqual(run.room.snapshot.messages.map(({ after }) => after), [true, false, false]);
  assert.equal(run.timers.pending, 0);
});

test('what is said is there at once, and its own once it is heard', () => {
  const run = begin().enter();
  assert.equal(run.room.say('  '), false);
  run.room.say('Hello');
  assert.deepEqual(run.of('say'), [{ type: 'say', id: 'own1', text: 'Hello' }]);
  assert.equal(run.room.snapshot.pending.length, 1);
  run.room.hear(line(1, { id: 'own1', from: 1, text: 'Hello' }));
  assert.deepEqual([run.room.snapshot.pending, run.texts()], [[], ['Hello']]);
  assert.equal(run.events('said')[0][2].own, true);
});

test('after a reconnect the same participant says again what was not heard', () => {
  const run = begin().enter({ history: lines(1, 2) });
  run.room.say('one');
  run.room.say('two');
  run.room.disconnected();
  run.room.say('three');
  assert.deepEqual(run.events('lost'), [['lost']]);
  run.sent.length = 0;
  run.connect();
  assert.deepEqual(run.sent, [{ type: 'enter', room: 'main', resume: 'secret', since: 2 }]);
  // The first was heard, but its echo was lost.
  run.answer({ history: [line(3), line(4, { id: 'own1', from: 1 })] });
  assert.deepEqual(run.of('say').map(({ id }) => id), ['own2'], 'one after the other');
  run.room.hear(line(5, { id: 'own2', from: 1 }));
  assert.deepEqual(run.of('say').map(({ id }) => id), ['own2', 'own3']);
  assert.deepEqual(run.events('entered').at(-1), ['entered', { resumed: true }]);
  assert.deepEqual(run.events('said').map(([, { seq }]) => seq), [3, 4, 5], 'what was said meanwhile is news');
});

test('another participant says again only what no history has', () => {
  const run = begin().enter({ history: lines(1, 2) });
  run.room.say('one');
  run.room.say('two');
  run.room.disconnected();
  run.connect();
  run.sent.length = 0;
  run.answer({ me: 9, resume: 'other', participants: [person(9)], history: lines(1, 3) });
  assert.deepEqual(run.sent, [{ type: 'catch_up', since: 3 }], 'more of it may be under way');
  run.room.hear({ type: 'history', messages: [line(4, { id: 'own1', from: 1 })], more: false });
  assert.deepEqual(run.of('say'), []);
  run.room.hear({ type: 'history', messages: [], more: false });
  assert.deepEqual(run.of('say').map(({ id }) => id), ['own2']);
  assert.deepEqual([run.seqs(), run.room.me.id], [[1, 2, 3, 4], 9]);
});

test('a daemon that has begun anew leaves what was said, and counts anew', () => {
  const run = begin().enter({ history: lines(1, 3) });
  run.room.disconnected();
  run.connect();
  run.answer({ me: 1, resume: 'other', history: [line(1, { id: 'n1', time_ms: 9e6, text: 'new' })] });
  assert.deepEqual(run.texts(), ['text 1', 'text 2', 'text 3', 'new']);
  run.room.hear(line(2, { id: 'n2', text: 'newer' }));
  assert.equal(run.texts().at(-1), 'newer');
  const keys = run.room.snapshot.messages.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
  // Its history is the same as before: nothing doubles.
  run.room.disconnected();
  run.connect();
  run.answer({ resume: 'third', history: [line(1, { id: 'n1', time_ms: 9e6 }), line(2, { id: 'n2', text: 'newer' })] });
  assert.equal(run.texts().length, 5);
});

test('what is said by a channel and what by the WebSocket are one talk', () => {
  const run = begin().enter();
  const byChannel = [];
  let open = false;
  run.room.transport({ send: (message, { label }) => open && label === 'room' && byChannel.push(message) > 0 });
  run.room.say('one');
  open = true;
  run.room.wayChanged();
  assert.deepEqual(byChannel, [{ type: 'catch_up', since: 0 }, { type: 'say', id: 'own1', text: 'one' }]);
  run.room.hear(line(1, { id: 'own1', from: 1 }));
  run.room.hear(line(1, { id: 'own1', from: 1 }));
  run.room.say('two');
  assert.equal(byChannel.length, 3);
  open = false;
  run.room.wayChanged();
  assert.deepEqual(run.of('say').map(({ id }) => id), ['own1', 'own2']);
  assert.deepEqual(run.of('catch_up'), [{ type: 'catch_up', since: 1 }]);
  run.room.hear(line(2, { id: 'own2', from: 1 }));
  assert.deepEqual([run.seqs(), run.room.snapshot.pending], [[1, 2], []]);
});

test('a refusal of what was said is shown at it, or mends itself', async () => {
  const run = begin().enter();
  run.room.say('much');
  run.room.refused('too_fast', '');
  run.room.refused('too_fast', '');
  await run.timers.pass(1500);
  assert.equal(run.of('say').length, 2);
  assert.deepEqual(run.events('refused'), []);
  run.room.refused('bad_text', 'It has what no text has.');
  assert.equal(run.room.snapshot.pending[0].failed, 'bad_text');
  run.room.wayChanged();
  assert.equal(run.of('say').length, 2, 'it is not said again');
  assert.equal(run.room.unsay('own1'), 'much');
  assert.deepEqual(run.room.snapshot.pending, []);
});

test('what follows what was refused is said all the same, and in its order', async () => {
  const run = begin().enter();
  for (const text of ['one', 'two', 'three']) run.room.say(text);
  assert.deepEqual(run.of('say').map(({ text }) => text), ['one']);
  run.room.refused('bad_text', '');
  assert.deepEqual(run.of('say').map(({ text }) => text), ['one', 'two']);
  run.room.refused('too_fast', '');
  await run.timers.pass(1500);
  run.room.hear(line(1, { id: 'own2', from: 1, text: 'two' }));
  assert.deepEqual(run.of('say').map(({ text }) => text), ['one', 'two', 'two', 'three']);
  assert.deepEqual(run.room.snapshot.pending.map(({ failed }) => failed), ['bad_text', null]);
});

test('what one does is told when it changes, and again to who does not know it', () => {
  const run = begin().enter();
  run.room.presence({ call: true });
  run.room.presence({ call: true });
  run.room.presence({ camera: true });
  assert.equal(run.of('presence').length, 2);
  assert.deepEqual(run.of('presence')[1], { type: 'presence', call: true, camera: true, microphone: false, screen: false, deaf: false, hand: false });
  run.room.disconnected();
  run.room.presence({ camera: false });
  run.connect();
  run.answer();
  assert.deepEqual([run.of('presence').length, run.of('presence')[2].camera], [3, false]);
  run.room.refused('call_full', '');
  run.room.presence({ camera: true });
  assert.equal(run.of('presence')[3].call, false);
});

test('signals and points are of those who are there', () => {
  const run = begin().enter();
  run.room.signal(2, { kind: 'bye', session: 's' });
  run.room.point({ source: 'screen', x: 0.5, y: 1 });
  run.room.point();
  assert.deepEqual(run.sent.slice(1), [
    { type: 'signal', to: 2, body: { kind: 'bye', session: 's' } },
    { type: 'point', source: 'screen', x: 0.5, y: 1 },
    { type: 'point' },
  ]);
  run.room.hear({ type: 'signal', from: 2, body: 'a' });
  run.room.hear({ type: 'signal', from: 77, body: 'b' });
  run.room.hear({ type: 'pointed', from: 2 });
  run.room.hear({ type: 'pointed', from: 77, source: 'screen', x: 0, y: 0 });
  assert.deepEqual(run.told.slice(1), [['signal', { from: 2, body: 'a' }], ['pointed', { from: 2, source: null, x: 0, y: 0 }]]);
});

test('by the WebSocket one points at its pace: the last place and the end always go', async () => {
  const run = begin().enter();
  const xs = () => run.of('point').map(({ x = null }) => x);
  for (let at = 0; at < 50; at += 1) {
    run.room.point({ source: 'screen', x: at / 100, y: 0 });
    await run.timers.pass(20);
  }
  assert.ok(xs().length <= 14 && xs().length >= 12, `${xs().length} in a second`);
  await run.timers.pass(1000);
  assert.equal(xs().at(-1), 0.49);
  run.room.point({ source: 'screen', x: 0.6, y: 0 });
  run.room.point({ source: 'screen', x: 0.7, y: 0 });
  run.room.point();
  assert.deepEqual(xs().slice(-2), [0.6, null]);
  await run.timers.pass(1000);
  assert.equal(xs().at(-1), null, 'and nothing after it');

  const byChannel = [];
  run.room.transport({ send: (message) => byChannel.push(message) > 0 });
  for (let at = 0; at < 5; at += 1) run.room.point({ source: 'screen', x: 0, y: 0 });
  assert.equal(byChannel.length, 5, 'a channel takes them all');
});

test('a room that is over is left, and nothing more of it is heard', () => {
  const run = begin().enter();
  run.room.hear({ type: 'room_over', reason: 'closed', message: 'It was closed.' });
  run.room.hear(line(1));
  run.room.signal(2, {});
  assert.deepEqual([run.room.inside, run.room.me, run.texts(), run.of('signal')], [false, null, [], []]);
  assert.deepEqual(run.events('out'), [['out', { code: 'closed', message: 'It was closed.' }]]);
});

test('messages that are none change nothing', () => {
  const run = begin().enter({ history: [line(1), null, { seq: 2 }, { seq: '3', id: 'x', text: 'x' }] });
  assert.deepEqual(run.seqs(), [1]);
  for (const broken of [{ seq: -1 }, { seq: 2.5 }, { seq: 2, id: 3 }, { seq: 2, id: 'a', text: 7 }]) run.room.hear({ type: 'said', ...broken });
  run.room.hear({ type: 'history' });
  assert.deepEqual(run.seqs(), [1]);
  assert.equal(run.room.hear({ type: 'later' }), false);
  assert.equal(run.room.hear({ type: 'constructor' }), false);
  assert.equal(run.room.refused('no_codec', ''), false);
});

test('a channel is the way while it is open, and a closed one no more', () => {
  const heard = [];
  let changes = 0;
  const channels = createChannels({ message: (message) => heard.push(message.type), change: () => (changes += 1) });
  const made = (label) => Object.assign(new EventTarget(), { label, readyState: 'connecting', bufferedAmount: 0, sent: [], send(text) { this.sent.push(JSON.parse(text)); } });
  const [room, pointer] = [made('room'), made('pointer')];
  assert.deepEqual([room, pointer, made('echo'), made('toString')].map((each) => channels.add(each)), [true, true, false, false]);
  assert.equal(channels.send({ type: 'say' }, { label: 'room' }), false);
  for (const each of [room, pointer]) {
    each.readyState = 'open';
    each.dispatchEvent(new Event('open'));
  }
  assert.ok(channels.send({ type: 'say' }, { label: 'room' }));
  pointer.bufferedAmount = 1e6;
  assert.ok(channels.send({ type: 'point' }, { label: 'pointer' }), 'too late is as good as said');
  assert.deepEqual([room.sent.length, pointer.sent.length, changes], [1, 0, 1]);
  for (const data of ['{"type":"said"}', '{', 'null', '[]', new ArrayBuffer(2)]) room.dispatchEvent(Object.assign(new Event('message'), { data }));
  assert.deepEqual(heard, ['said']);
  room.readyState = 'closed';
  room.dispatchEvent(new Event('close'));
  assert.equal(channels.send({ type: 'say' }, { label: 'room' }), false);
  assert.equal(changes, 2);
});

test('channels of a connection that was closed here are given up, though the browser does not tell', () => {
  const heard = [];
  const channels = createChannels({ message: (message) => heard.push(message.type), change: () => {} });
  const room = Object.assign(new EventTarget(), { label: 'room', readyState: 'open', bufferedAmount: 0, send() {} });
  channels.add(room);
  assert.deepEqual([channels.clear(), channels.clear()], [true, false]);
  assert.equal(channels.send({ type: 'say' }, { label: 'room' }), false);
  room.dispatchEvent(Object.assign(new Event('message'), { data: '{"type":"said"}' }));
  assert.deepEqual(heard, []);
});

test('rooms are at their paths, and ids unlike each other', () => {
  for (const [path, name] of [['/', 'main'], ['/r/quiet', 'quiet'], ['/r/quiet/', 'quiet'], ['/r/a%20b', 'a b'], ['/r/%', '%'], ['/r/', 'main'], ['/x', 'main']]) {
    assert.equal(roomOf(path), name, path);
  }
  assert.deepEqual([pathOf('main'), pathOf('quiet')], ['/', '/r/quiet']);
  const ids = new Set(Array.from({ length: 100 }, () => newId()));
  assert.equal(ids.size, 100);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9-]{1,36}$/);
});
