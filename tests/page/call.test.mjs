/** Who is in a call and what goes to each: meshes over a room in memory. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createCall } from '../../src/web/page/call/call.js';
import { createDevices } from '../../src/web/page/call/devices.js';
import { createPairs } from '../../src/web/page/call/pairs.js';
import { FakeConnection, FakeStream, FakeTrack } from './call-fakes.mjs';
import { FakeDevices, FakeRoom } from './call-house.mjs';
import { FakeTimers, settle } from './fakes.mjs';

globalThis.MediaStream = FakeStream;

/** A room with so many pages in it, and the call of each. */
function house(count, { most = 8 } = {}) {
  FakeConnection.all.length = 0;
  FakeTrack.all.length = 0;
  const timers = new FakeTimers();
  const room = new FakeRoom(most);
  const pages = Array.from({ length: count }, () => page(room, timers));
  return { timers, room, pages };
}

function page(hub, timers) {
  const room = hub.enter();
  const media = new FakeDevices();
  const heard = { over: [], levels: [], unplugged: [], changes: 0 };
  const devices = createDevices({
    media,
    on: {
      change: () => call?.devicesChanged(),
      unplugged: (...values) => heard.unplugged.push(values),
      screenEnded: () => call.devicesChanged(),
    },
  });
  const pairs = createPairs({
    me: () => room.me?.id ?? null,
    send: (to, body) => room.signal(to, body),
    iceServers: () => [],
    RTCPeerConnection: FakeConnection,
    timers,
    page: `p${room.me.id}`,
  });
  room.on('entered', ({ resumed }) => (resumed ? pairs.signallingBack() : pairs.clear()));
  room.on('signal', ({ from, body }) => pairs.signal(from, body));
  const meter = { track: null, value: 0, use: (track) => (meter.track = track), level: () => meter.value };
  const call = createCall({
    room,
    pairs,
    devices,
    meter,
    timers,
    wallNow: timers.now,
    on: {
      change: () => (heard.changes += 1),
      level: (...values) => heard.levels.push(values),
      over: (problem) => heard.over.push(problem),
    },
  });
  room.on('left', ({ id }) => pairs.left(id));
  return {
    room,
    media,
    devices,
    pairs,
    meter,
    call,
    heard,
    async join(kinds = ['microphone', 'camera']) {
      await devices.open(kinds);
      call.join();
    },
    get ids() {
      return call.others.map(({ id }) => id).sort((a, b) => a - b);
    },
  };
}

test('everybody_in_the_call_is_connected_with_everybody_else_and_with_nobody_beside_it', async () => {
  const { room, pages } = house(5);
  const [a, b, c, d, outside] = pages;
  for (const each of [a, b, c, d]) await each.join();
  await room.quiet();
  assert.deepEqual(a.ids, [2, 3, 4]);
  assert.deepEqual(d.ids, [1, 2, 3]);
  assert.deepEqual(outside.ids, []);
  assert.equal(FakeConnection.open.length, 12);
  for (const each of [a, b, c, d]) {
    for (const id of each.ids) {
      assert.equal(each.pairs.with(id).sender('camera').track, each.devices.track('camera'));
      const { tracks } = each.call.others.find((other) => other.id === id);
      assert.deepEqual([...tracks.keys()], ['microphone', 'camera', 'screen', 'sound']);
    }
  }

  await outside.join(['microphone']);
  await room.quiet();
  assert.equal(FakeConnection.open.length, 20);
  c.call.leave();
  await room.quiet();
  assert.deepEqual(a.ids, [2, 4, 5]);
  assert.equal(FakeConnection.open.length, 12);
  assert.equal(FakeTrack.live.filter((track) => c.media.made.includes(track)).length, 0, 'the light is off');
  assert.equal(c.meter.track, null);
});

test('joining_and_leaving_ten_times_leaves_nothing_behind', async () => {
  const { timers, room, pages } = house(2);
  const [a, b] = pages;
  await b.join();
  for (let times = 0; times < 10; times += 1) {
    await a.join();
    await room.quiet();
    assert.deepEqual([a.ids, b.ids], [[2], [1]]);
    assert.equal(FakeConnection.open.length, 2);
    a.call.leave();
    await room.quiet();
    assert.deepEqual([a.ids, b.ids], [[], []]);
    assert.equal(FakeConnection.open.length, 0);
  }
  b.call.leave();
  await room.quiet();
  await timers.pass(120_000);
  assert.equal(FakeTrack.live.filter(({ isSlot }) => !isSlot).length, 0);
  assert.equal(timers.pending, 0);
});

test('a_full_call_keeps_one_out_and_lets_go_of_the_devices', async () => {
  const { room, pages } = house(3, { most: 2 });
  const [a, b, c] = pages;
  await a.join();
  await b.join();
  await room.quiet();
  await c.join();
  await room.quiet();
  assert.deepEqual(c.heard.over, ['full']);
  assert.equal(c.call.phase, 'out');
  assert.equal(c.media.made.filter(({ readyState }) => readyState === 'live').length, 0);
  assert.deepEqual(a.ids, [2]);
  b.call.leave();
  await c.join();
  await room.quiet();
  assert.deepEqual(c.ids, [1]);
});

test('a_room_that_does_not_answer_ends_the_joining', async () => {
  const { timers, room, pages } = house(1);
  const [a] = pages;
  room.deaf = true;
  await a.join();
  assert.equal(a.call.phase, 'joining');
  await timers.pass(8100);
  assert.deepEqual(a.heard.over, ['no_answer']);
  assert.equal(a.call.phase, 'out');
});

test('who_leaves_rudely_is_gone_with_its_connection', async () => {
  const { room, pages } = house(3);
  for (const each of pages) await each.join();
  await room.quiet();
  room.lose(2);
  await room.quiet();
  assert.deepEqual(pages[0].ids, [3]);
  assert.notEqual(pages[0].pairs.with(3).state, 'idle');
});

test('the_others_are_told_what_one_does', async () => {
  const { room, pages } = house(2);
  const [a, b] = pages;
  const told = () => {
    const { call, camera, microphone, screen, deaf } = b.room.participant(1);
    return { call, camera, microphone, screen, deaf };
  };
  await a.join(['microphone']);
  await b.join([]);
  await room.quiet();
  assert.deepEqual(told(), { call: true, camera: false, microphone: true, screen: false, deaf: false });
  await a.call.setCamera(true);
  await a.call.setMuted(true);
  await a.call.setScreen(true);
  a.call.setDeaf(true);
  await room.quiet();
  assert.deepEqual(told(), { call: true, camera: true, microphone: false, screen: true, deaf: true });
  assert.equal(a.devices.track('microphone').enabled, false, 'muted is silence at once');
  assert.equal(a.pairs.with(2).sender('screen').track, a.devices.track('screen'));
  assert.equal(a.pairs.with(2).sender('sound').track, a.devices.track('sound'));

  a.call.talk(true);
  await room.quiet();
  assert.equal(told().microphone, true);
  assert.equal(a.devices.track('microphone').enabled, true);
  a.call.talk(false);
  assert.equal(a.devices.track('microphone').enabled, false);

  // The browser's own button ends the sharing.
  a.devices.track('screen').end();
  await room.quiet();
  assert.equal(told().screen, false);
  assert.equal(a.pairs.with(2).sender('screen').track, null);
  assert.equal(a.pairs.with(2).sender('sound').track, null);

  const camera = a.devices.track('camera');
  await a.call.setCamera(false);
  await room.quiet();
  assert.equal(camera.readyState, 'ended', 'its light is off');
  assert.equal(told().camera, false);
  a.call.leave();
  await room.quiet();
  assert.deepEqual(told(), { call: false, camera: false, microphone: false, screen: false, deaf: false });
  await a.join(['microphone']);
  await room.quiet();
  assert.equal(told().microphone, true, 'another call begins unmuted');
});

test('a_device_that_is_unplugged_in_the_middle_gives_way_to_another_or_is_told', async () => {
  const { room, pages } = house(2);
  const [a, b] = pages;
  a.media.only();
  a.media.plug('videoinput', 'Webcam A');
  a.media.plug('videoinput', 'Webcam B');
  await a.join();
  await b.join();
  await room.quiet();
  assert.equal(a.devices.track('camera').label, 'Webcam A');
  a.media.unplug('Webcam A');
  await room.quiet();
  assert.deepEqual(a.heard.unplugged, [['camera', 'Webcam B']]);
  assert.equal(a.pairs.with(2).sender('camera').track.label, 'Webcam B');
  a.media.unplug('Webcam B');
  await room.quiet();
  assert.deepEqual(a.heard.unplugged[1], ['camera', null]);
  assert.equal(a.devices.problem('camera'), 'unplugged');
  assert.equal(a.pairs.with(2).sender('camera').track, null);
  assert.equal(b.room.participant(1).camera, false);
  assert.equal(a.call.phase, 'in');
});

test('the_call_goes_on_while_the_room_is_away_and_begins_anew_where_it_has_forgotten', async () => {
  const { room, pages } = house(2);
  const [a, b] = pages;
  for (const each of pages) await each.join();
  await room.quiet();
  a.room.cut();
  assert.equal(a.call.phase, 'in');
  assert.deepEqual(a.ids, [2]);
  a.room.back({ resumed: true });
  await room.quiet();
  assert.equal(FakeConnection.all.length, 2, 'the same connection goes on');

  a.room.cut();
  room.lose(1);
  a.room.back({ resumed: false });
  await room.quiet();
  assert.deepEqual([a.ids, b.ids], [[2], [3]]);
  assert.equal(FakeConnection.open.length, 2);
  assert.equal(a.room.me.id, 3);
});

test('being_out_of_the_room_ends_the_call', async () => {
  const { room, pages } = house(2);
  const [a] = pages;
  for (const each of pages) await each.join();
  await room.quiet();
  a.room.out('closed');
  await room.quiet();
  assert.deepEqual(a.heard.over, ['out']);
  assert.equal(a.media.made.filter(({ readyState }) => readyState === 'live').length, 0);
});

test('who_speaks_is_told_while_in_the_call_and_a_muted_one_never', async () => {
  const { timers, room, pages } = house(2);
  const [a, b] = pages;
  for (const each of pages) await each.join();
  await room.quiet();
  a.meter.value = 0.3;
  a.pairs.with(2).receiver('microphone').getSynchronizationSources = () => [{ timestamp: timers.time, audioLevel: 0.2 }];
  a.heard.levels.length = 0;
  await timers.pass(500);
  const last = (id) => a.heard.levels.filter(([each]) => each === id).at(-1);
  assert.deepEqual(last(1), [1, 0.3, true]);
  assert.deepEqual(last(2), [2, 0.2, true]);
  await b.call.setMuted(true);
  await a.call.setMuted(true);
  await room.quiet();
  await timers.pass(1500);
  assert.deepEqual(last(1), [1, 0, false]);
  assert.deepEqual(last(2), [2, 0, false]);
  a.call.leave();
  a.heard.levels.length = 0;
  await timers.pass(1000);
  assert.deepEqual(a.heard.levels, []);
});

test('each_is_told_how_large_it_is_shown_and_sends_no_more_than_that', async () => {
  const { room, pages } = house(2);
  const [a, b] = pages;
  for (const each of pages) await each.join();
  await room.quiet();
  const [channel] = FakeConnection.all[0].channels;
  assert.equal(channel.label, 'pair');
  const sent = [];
  Object.assign(channel, { readyState: 'open', send: (text) => sent.push(JSON.parse(text)) });
  a.call.showing(2, { camera: { width: 320, height: 180 }, screen: { width: 0, height: 0 } });
  a.call.showing(2, { camera: { width: 320, height: 180 }, screen: { width: 0, height: 0 } });
  assert.equal(sent.length, 1, 'not said twice');

  const sender = a.pairs.with(2).sender('camera');
  a.devices.track('camera').settings = { width: 1280, height: 720 };
  const told = async (data) => {
    channel.emit('message', { data });
    for (let turns = 0; turns < 4; turns += 1) await settle();
    return sender.encodings[0];
  };
  assert.equal((await told(JSON.stringify({ camera: { width: 320, height: 180 }, screen: null }))).scaleResolutionDownBy, 4);
  assert.equal((await told('{"camera":')).scaleResolutionDownBy, 4);
  assert.equal((await told(`"${'x'.repeat(1000)}"`)).scaleResolutionDownBy, 4);
  assert.equal((await told(JSON.stringify({ camera: { width: 1280, height: 720 } }))).scaleResolutionDownBy, 1);
  assert.equal((await told(JSON.stringify({ camera: { width: 0, height: 0 } }))).maxFramerate, 5);
});

test('who_is_not_in_the_call_gets_no_track_even_where_it_connects', async () => {
  const { room, pages } = house(2);
  const [a, b] = pages;
  await a.join();
  // `b` makes slots without taking part: its page is not this one.
  b.pairs.with(1).openTracks();
  a.pairs.with(2).createChannel('files');
  await room.quiet();
  assert.equal(a.pairs.with(2).sender('camera')?.track ?? null, null);
  await b.join();
  await room.quiet();
  b.call.leave();
  await room.quiet();
  assert.equal(a.pairs.with(2).sender('camera')?.track ?? null, null);
});
