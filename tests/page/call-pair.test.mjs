/** One connection between two participants: who offers, who gives way, what an earlier one said. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createPair, pageName } from '../../src/web/page/call/pair.js';
import { createPairs } from '../../src/web/page/call/pairs.js';
import { FakeConnection, FakeStream, FakeTrack, Wire } from './call-fakes.mjs';
import { FakeTimers, settle } from './fakes.mjs';

globalThis.MediaStream = FakeStream;

/** Two pairs, `a` with the smaller id, and the wire between them. */
function two() {
  FakeConnection.all.length = 0;
  const timers = new FakeTimers();
  const wire = new Wire();
  const heard = { a: [], b: [] };
  const end = (name, polite, page = name) => {
    const note = (what) => (...values) => heard[name].push([what, ...values]);
    const made = [];
    class Connection extends FakeConnection {
      constructor(configuration) {
        super(configuration);
        made.push(this);
      }
    }
    const pair = createPair({
      polite,
      iceServers: () => [{ urls: ['stun:192.0.2.1'] }],
      send: wire.sender(name),
      RTCPeerConnection: Connection,
      timers,
      page,
      on: { state: note('state'), track: note('track'), channel: note('channel'), said: note('said'), reset: note('reset') },
    });
    wire.ends[name] = pair;
    return { pair, made };
  };
  const a = end('a', false);
  const b = end('b', true);
  const of = (name, what) => heard[name].filter(([each]) => each === what).map(([, ...rest]) => rest);
  return { timers, wire, a, b, end, of };
}

const last = ({ made }) => made.at(-1);
const offers = (wire, from) => wire.sent.filter((each) => each.from === from && each.description_type === 'offer').length;

for (const order of [['a', 'b'], ['b', 'a']]) {
  test(`both_offer_at_once_and_they_agree_(${order[0]}_is_heard_first)`, async () => {
    const { wire, a, b } = two();
    a.pair.createChannel('from a');
    b.pair.createChannel('from b');
    await wire.quiet(order);
    assert.ok(last(a).agreesWith(last(b)));
    assert.deepEqual([offers(wire, 'a'), offers(wire, 'b')], [1, 0], 'the first is the impolite one’s');
    a.pair.networkChanged();
    b.pair.networkChanged();
    for (let turns = 0; wire.waiting('a') === 0 || wire.waiting('b') === 0; turns += 1) {
      assert.ok(turns < 20, 'both offer');
      await settle();
    }
    assert.deepEqual([offers(wire, 'a'), offers(wire, 'b')], [2, 1], 'they collide');
    await wire.quiet(order);
    assert.ok(last(a).agreesWith(last(b)));
    assert.deepEqual([a.made.length, b.made.length], [1, 1]);
    assert.deepEqual([last(a).restarts, last(b).restarts], [1, 1]);
  });
}

test('a_polite_one_that_begins_asks_for_the_first_offer_until_it_comes', async () => {
  const { timers, wire, a, b } = two();
  b.pair.createChannel('from b');
  assert.equal(wire.lose('b'), 1);
  await timers.pass(4100);
  await wire.quiet();
  assert.ok(last(a).agreesWith(last(b)));
  assert.deepEqual([offers(wire, 'a'), offers(wire, 'b')], [1, 0]);
  await timers.pass(60_000);
  assert.equal(wire.waiting('b'), 0, 'and no more');
});

test('what_is_said_between_pages_is_the_last_word_and_is_said_again_on_another_connection', async () => {
  const { wire, a, b, of } = two();
  a.pair.say('one');
  a.pair.say('two');
  a.pair.createChannel('x');
  await wire.quiet();
  const open = (end) => {
    const [channel] = last(end).channels;
    assert.deepEqual([channel.label, channel.options], ['pair', { negotiated: true, id: 0 }]);
    const sent = [];
    Object.assign(channel, { readyState: 'open', send: (text) => sent.push(text) }).emit('open');
    return { channel, sent };
  };
  const first = open(a);
  a.pair.say('three');
  assert.deepEqual(first.sent, ['two', 'three']);
  const { channel } = open(b);
  channel.emit('message', { data: 'three' });
  channel.emit('message', { data: 'x'.repeat(2000) });
  channel.emit('message', { data: new ArrayBuffer(2) });
  assert.deepEqual(of('b', 'said'), [['three']]);
  a.pair.close();
  a.pair.createChannel('x');
  await wire.quiet();
  assert.deepEqual(open(a).sent, ['three']);
});

test('they_agree_whatever_the_order_and_the_delays_of_signals', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const { wire, a, b } = two();
    let state = seed;
    const random = (below) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor((state / 2147483648) * below);
    };
    for (let step = 0; step < 25; step += 1) {
      const end = random(2) === 0 ? a : b;
      const what = random(7);
      if (what === 0) end.pair.createChannel(`channel ${step}`);
      else if (what === 1) end.pair.openTracks();
      else if (what === 2) end.pair.networkChanged();
      else if (what === 3) end.pair.setTrack('camera', new FakeTrack('video'));
      else if (what === 4) end.pair.close();
      else wire.pass(random(2) === 0 ? 'a' : 'b', 1 + random(2));
      await settle();
    }
    // A `bye` that is still on its way ends what it finds: whoever wants more asks when it is there.
    await wire.quiet();
    a.pair.openTracks();
    b.pair.openTracks();
    a.pair.createChannel('last');
    await wire.quiet();
    assert.ok(last(a).agreesWith(last(b)), `seed ${seed}`);
    assert.equal(FakeConnection.open.length, 2, `seed ${seed}`);
    a.pair.end();
    b.pair.end();
  }
});

test('the_tracks_of_a_call_are_in_the_slots_that_one_side_makes', async () => {
  const { wire, a, b, of } = two();
  const camera = new FakeTrack('video');
  const microphone = new FakeTrack('audio');
  b.pair.setTrack('camera', camera);
  b.pair.openTracks();
  assert.equal(b.made.length, 0, 'the polite one waits');
  a.pair.setTrack('microphone', microphone);
  a.pair.openTracks();
  await wire.quiet();
  assert.ok(last(a).agreesWith(last(b)));
  assert.equal(b.pair.sender('camera').track, camera);
  assert.equal(a.pair.sender('microphone').track, microphone);
  assert.deepEqual(of('a', 'track').map(([slot]) => slot), ['microphone', 'camera', 'screen', 'sound']);
  assert.deepEqual(of('b', 'track').map(([slot]) => slot), ['microphone', 'camera', 'screen', 'sound']);
  assert.equal(offers(wire, 'a') + offers(wire, 'b'), 1, 'one offer is enough');

  const screen = new FakeTrack('video');
  b.pair.setTrack('screen', screen);
  b.pair.setTrack('camera', null);
  await wire.quiet();
  assert.equal(b.pair.sender('screen').track, screen);
  assert.equal(b.pair.sender('camera').track, null);
  assert.equal(offers(wire, 'a') + offers(wire, 'b'), 1, 'without negotiation');
});

test('a_track_of_the_wrong_kind_and_a_slot_that_is_none_hurt_nothing', async () => {
  const { wire, a, b } = two();
  a.pair.setTrack('camera', new FakeTrack('audio'));
  a.pair.setTrack('nothing', new FakeTrack('audio'));
  a.pair.openTracks();
  b.pair.openTracks();
  await wire.quiet();
  assert.ok(last(a).agreesWith(last(b)));
});

test('what_was_said_of_an_earlier_connection_is_not_taken', async () => {
  const { wire, a, b, of } = two();
  a.pair.createChannel('one');
  await wire.quiet();
  // An answer is still on its way when `a` begins anew.
  a.pair.networkChanged();
  const said = async (from) => {
    for (let turns = 0; wire.waiting(from) === 0 && turns < 20; turns += 1) await settle();
    assert.ok(wire.waiting(from) > 0, `${from} has said something`);
  };
  await said('a');
  wire.pass('a');
  await said('b');
  a.pair.close();
  a.pair.createChannel('two');
  await wire.quiet(['b', 'a']);
  assert.equal(a.made.length, 2);
  assert.ok(last(a).agreesWith(last(b)));
  assert.equal(FakeConnection.open.length, 2);
  assert.deepEqual(of('b', 'reset'), [['bye']]);
});

test('a_page_that_was_loaded_again_is_a_new_other_side', async () => {
  const { wire, a, b, end, of } = two();
  a.pair.createChannel('one');
  await wire.quiet();
  a.pair.close();
  a.pair.createChannel('two');
  await wire.quiet();
  assert.equal(b.made.length, 2);
  // A candidate for the page before is still on its way.
  b.pair.networkChanged();
  await settle();
  const again = end('a', false, 'a2');
  again.pair.createChannel('three');
  await wire.quiet();
  assert.equal(b.made.length, 3);
  assert.ok(last(again).agreesWith(last(b)));
  assert.deepEqual(of('b', 'reset'), [['bye'], ['renewed']]);
});

test('a_page_that_was_loaded_again_makes_itself_known_to_who_still_speaks_to_the_one_before', async () => {
  const { wire, a, b, end } = two();
  a.pair.openTracks();
  b.pair.openTracks();
  await wire.quiet();
  b.pair.end();
  const again = end('b', true, 'b2');
  again.pair.openTracks();
  await wire.quiet();
  assert.equal(again.made.length, 0, 'the polite one waits for the slots');
  // What the other does about a connection that has died: it says an offer to a page that is no more.
  a.pair.networkChanged();
  await wire.quiet();
  assert.equal(a.made.length, 2);
  assert.ok(last(again).agreesWith(last(a)));
  assert.equal(FakeConnection.open.length, 2);
});

test('an_offer_that_nobody_answers_is_said_again', async () => {
  const { timers, wire, a, b } = two();
  a.pair.createChannel('one');
  await settle();
  await settle();
  assert.ok(wire.lose('a') > 0);
  await timers.pass(4100);
  await wire.quiet();
  assert.ok(last(a).agreesWith(last(b)));
  assert.equal(offers(wire, 'a'), 2);
  await timers.pass(60_000);
  assert.equal(offers(wire, 'a'), 2, 'and no more once it is answered');
});

test('signals_lost_while_the_daemon_was_away_are_made_good_when_it_is_back', async () => {
  const { wire, a, b } = two();
  a.pair.createChannel('one');
  await settle();
  await settle();
  wire.lose('a');
  a.pair.signallingBack();
  b.pair.signallingBack();
  await wire.quiet();
  assert.ok(last(a).agreesWith(last(b)));
});

test('ice_is_restarted_when_it_has_failed_or_stays_disconnected', async () => {
  const { timers, wire, a, b, of } = two();
  a.pair.createChannel('one');
  await wire.quiet();
  last(a).become('connected');
  last(b).become('connected');
  last(a).become('disconnected');
  assert.equal(a.pair.state, 'interrupted');
  await timers.pass(2400);
  assert.equal(last(a).restarts, 0, 'it may mend by itself');
  last(a).become('connected');
  await timers.pass(10_000);
  assert.equal(last(a).restarts, 0);

  last(a).become('disconnected');
  await timers.pass(2600);
  assert.equal(last(a).restarts, 1);
  await timers.pass(3000);
  assert.equal(last(a).restarts, 2, 'and again');
  last(a).become('failed');
  assert.equal(last(a).restarts, 3);
  await timers.pass(12_000);
  assert.equal(a.pair.state, 'unreachable');
  assert.ok(last(a).restarts > 3, 'it is still tried');
  await wire.quiet();
  last(a).become('connected');
  const { restarts } = last(a);
  await timers.pass(60_000);
  assert.equal(last(a).restarts, restarts);
  assert.deepEqual(of('a', 'state').flat().slice(-3), ['interrupted', 'unreachable', 'connected']);
  assert.ok(last(a).agreesWith(last(b)));
});

test('another_network_restarts_ice_once', async () => {
  const { timers, wire, a, b } = two();
  a.pair.createChannel('one');
  await wire.quiet();
  last(a).become('connected');
  a.pair.networkChanged();
  await wire.quiet();
  await timers.pass(60_000);
  assert.equal(last(a).restarts, 1);
  assert.ok(last(a).agreesWith(last(b)));
});

test('a_connection_that_does_not_come_about_is_told', async () => {
  const { timers, wire, a } = two();
  a.pair.openTracks();
  await wire.quiet();
  await timers.pass(12_100);
  assert.equal(a.pair.state, 'unreachable');
});

test('who_hears_of_another_connection_may_have_a_channel_of_it_at_once', async () => {
  const { wire, a, b } = two();
  const heard = [];
  b.pair.createChannel('one');
  await wire.quiet();
  wire.ends.b = {
    signal(body) {
      const before = b.made.length;
      b.pair.signal(body);
      if (b.made.length !== before) heard.push(b.pair.createChannel('again'));
    },
  };
  a.pair.close();
  a.pair.createChannel('two');
  await wire.quiet();
  assert.equal(heard.length, 1);
  assert.deepEqual([a.made.length, b.made.length], [2, 2]);
  assert.ok(last(a).agreesWith(last(b)));
});

test('the_last_holder_closes_the_connection_and_the_other_side_hears_it', async () => {
  const { timers, wire, a, b, of } = two();
  a.pair.hold('call');
  a.pair.hold('files');
  a.pair.openTracks();
  await wire.quiet();
  a.pair.release('call');
  assert.equal(FakeConnection.open.length, 2);
  a.pair.release('files');
  a.pair.release('files');
  await wire.quiet();
  assert.equal(FakeConnection.open.length, 0);
  assert.deepEqual([a.pair.state, b.pair.state], ['idle', 'idle']);
  assert.deepEqual(of('b', 'reset'), [['bye']]);
  await timers.pass(100_000);
  assert.equal(timers.pending, 0, 'no timer is left behind');
});

test('a_call_that_ends_between_two_leaves_their_channels_alone', async () => {
  const { wire, a, b } = two();
  a.pair.createChannel('files');
  a.pair.setTrack('camera', new FakeTrack('video'));
  a.pair.openTracks();
  b.pair.openTracks();
  await wire.quiet();
  a.pair.closeTracks();
  await wire.quiet();
  assert.equal(a.pair.sender('camera').track, null);
  assert.deepEqual([a.made.length, b.made.length], [1, 1]);
  const camera = new FakeTrack('video');
  a.pair.setTrack('camera', camera);
  a.pair.openTracks();
  await wire.quiet();
  assert.equal(a.pair.sender('camera').track, camera);
  assert.ok(last(a).agreesWith(last(b)));
});

test('what_is_no_signal_is_passed_over', async () => {
  const { wire, a, b } = two();
  const hostile = [
    {},
    { kind: 'bye' },
    { kind: 'bye', session: 7 },
    { kind: 'description', description_type: 'offer', sdp: 'v=0', session: 'x' },
    { kind: 'description', description_type: 'answer', sdp: '{}', session: '1-x-' },
    { kind: 'description', description_type: 'offer', sdp: '{}', session: 'zzzzzz-x-' },
    { kind: 'candidate', candidate: 'x', session: '1-x-' },
    { kind: 'mischief', session: '1-x-' },
    { kind: 'description', description_type: 'offer', sdp: '{}', session: '1-x-someoneelse' },
  ];
  for (const body of hostile) a.pair.signal(body);
  await settle();
  assert.equal(a.made.length, 0);
  a.pair.createChannel('one');
  await wire.quiet();
  for (const body of hostile) a.pair.signal({ ...body, session: body.session === '1-x-' ? '1-b-' : body.session });
  await wire.quiet();
  a.pair.createChannel('two');
  await wire.quiet();
  assert.ok(last(a).agreesWith(last(b)));
});

test('the_pairs_of_a_page_are_by_participant', async () => {
  FakeConnection.all.length = 0;
  const timers = new FakeTimers();
  const pages = new Map();
  const sent = [];
  for (const me of [1, 2, 3]) {
    const pairs = createPairs({
      me: () => me,
      send: (to, body) => sent.push({ from: me, to, body }),
      iceServers: () => [],
      RTCPeerConnection: FakeConnection,
      timers,
      page: pageName(),
    });
    pages.set(me, pairs);
  }
  const deliver = async () => {
    for (let still = 0; still < 6; ) {
      const batch = sent.splice(0);
      for (const { from, to, body } of batch) pages.get(to).signal(from, body);
      await settle();
      still = batch.length > 0 ? 0 : still + 1;
    }
  };
  const open = (me) => [1, 2, 3].filter((id) => id !== me && pages.get(me).with(id).state !== 'idle').length;
  const heard = [];
  const stop = pages.get(1).on('state', (id, state) => heard.push([id, state]));
  for (const me of [1, 2, 3]) {
    for (const id of [1, 2, 3]) if (id !== me) pages.get(me).with(id).openTracks();
  }
  await deliver();
  assert.deepEqual([1, 2, 3].map(open), [2, 2, 2]);
  assert.deepEqual(heard, [[2, 'connecting'], [3, 'connecting']]);
  stop();
  pages.get(1).left(2);
  pages.get(1).signal(1, { kind: 'bye', session: '1-x-' });
  pages.get(1).signal(3, null);
  assert.equal(open(1), 1);
  pages.get(1).closeAll();
  await deliver();
  assert.deepEqual([1, 2, 3].map(open), [0, 2, 1]);
  assert.equal(heard.length, 2);
  pages.get(2).clear();
  pages.get(3).clear();
  assert.equal(FakeConnection.open.length, 0);
});
