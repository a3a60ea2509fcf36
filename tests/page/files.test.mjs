/** Files between two pages: what arrives is what was sent, whatever is cut, paused and lost on the way. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK, WINDOW, proofOf } from '../../src/web/page/files/protocol.js';
import { fakeKeep, fakeWorkshop, file, meeting, randomBytes, randomFrom, sha256 } from './files-fakes.mjs';
import { settle } from './fakes.mjs';

const phases = (transfers) => transfers.list().map(({ state }) => state.phase);
const only = (transfers) => transfers.list()[0];

/** The bytes that two took. */
async function taken(meets, at = 0) {
  const sink = meets.workshops[1].sinks[at];
  return new Uint8Array(await (await sink.finish()).arrayBuffer());
}

async function accepted(meets, bytes, name) {
  meets.one.offer([file(bytes, name)], [2]);
  await meets.run();
  meets.two.accept(only(meets.two).key);
  await settle();
}

test('a_file_is_offered_accepted_and_arrives_bit_for_bit', async () => {
  const random = randomFrom(1);
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 300_000, WINDOW + 100_001]) {
    const meets = meeting({ random });
    const bytes = randomBytes(size, random);
    meets.one.offer([file(bytes, 'año.bin', 'application/x-thing')], [2]);
    await meets.run();
    const offer = only(meets.two);
    assert.deepEqual([offer.name, offer.size, offer.person.name, offer.outgoing, offer.state.phase], ['año.bin', size, 'One', false, 'offered']);
    meets.two.accept(offer.key);
    await settle();
    await meets.run();
    assert.deepEqual([phases(meets.one), phases(meets.two)], [['done'], ['done']], `of ${size}`);
    assert.equal(sha256(await taken(meets)), sha256(bytes));
    assert.equal(only(meets.one).bytes, size);
  }
});

test('whatever_is_cut_and_paused_and_in_whatever_order_it_arrives_bit_for_bit', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = randomFrom(seed);
    const meets = meeting({ random });
    const { net, one, two, timers } = meets;
    const bytes = randomBytes(Math.floor(random() ** 2 * 1_500_000), random);
    await accepted(meets, bytes);
    const key = [only(one).key, only(two).key];
    const held = [false, false];
    for (let round = 0; round < 25; round += 1) {
      const steps = Math.floor(random() * 40);
      for (let n = 0; n < steps; n += 1) {
        if (!net.step()) await settle();
        else if (random() < 0.2) await settle();
      }
      const what = random();
      if (what < 0.3) net.cut({ silently: random() < 0.5 });
      else if (what < 0.7) {
        const who = random() < 0.5 ? 0 : 1;
        held[who] = !held[who];
        [one, two][who].hold(key[who], held[who]);
      } else if (what < 0.8) await timers.pass(Math.floor(random() * 3000));
    }
    one.hold(key[0], false);
    two.hold(key[1], false);
    const over = () => phases(one)[0] === 'done' && phases(two)[0] === 'done';
    for (let n = 0; n < 10 && !over(); n += 1) {
      await meets.run(over);
      await timers.pass(2000);
    }
    assert.deepEqual([phases(one), phases(two)], [['done'], ['done']], `seed ${seed}`);
    assert.equal(sha256(await taken(meets)), sha256(bytes), `seed ${seed}`);
  }
});

test('no_more_than_the_window_is_ahead_of_a_disk_that_does_not_write', async () => {
  let stuck = true;
  let wake;
  const breaks = () => stuck && new Promise((resolve) => (wake = resolve));
  const meets = meeting({ workshops: [fakeWorkshop(), fakeWorkshop({ breaks })] });
  const bytes = randomBytes(WINDOW + 1_000_000, randomFrom(3));
  await accepted(meets, bytes);
  await meets.run();
  const channel = meets.net.channels.find(({ label, sent }) => label.startsWith('file:') && sent > 0);
  assert.equal(channel.sent * CHUNK, WINDOW, 'then it waits');
  assert.equal(only(meets.one).bytes, 0);
  stuck = false;
  wake();
  await meets.run();
  assert.deepEqual(phases(meets.two), ['done']);
  assert.equal(sha256(await taken(meets)), sha256(bytes));
});

test('a_second_press_on_accept_does_not_move_the_file_elsewhere', async () => {
  const places = [];
  const keep = fakeKeep({ place: () => ({ kind: 'private', name: `place ${places.push(1)}` }) });
  const meets = meeting({ keeps: [fakeKeep(), keep] });
  meets.one.offer([file(randomBytes(1000, Math.random))], [2]);
  await meets.run();
  const { key } = only(meets.two);
  meets.two.accept(key);
  assert.equal(only(meets.two).where, 'private', 'its card says so at once');
  meets.two.accept(key);
  await meets.run();
  meets.two.accept(key);
  assert.deepEqual([phases(meets.two), places.length], [['done'], 1]);
  meets.one.offer([file(randomBytes(1000, Math.random))], [2]);
  await meets.run();
  meets.two.refuse(meets.two.list()[1].key);
  meets.two.accept(meets.two.list()[1].key);
  assert.equal(places.length, 1);
});

test('a_refused_file_is_not_sent', async () => {
  const meets = meeting();
  meets.one.offer([file(randomBytes(1000, Math.random))], [2]);
  await meets.run();
  meets.two.refuse(only(meets.two).key);
  await meets.run();
  assert.deepEqual(only(meets.one).state, { phase: 'refused', by: 'them', reason: 'person' });
  assert.deepEqual(only(meets.two).state, { phase: 'refused', by: 'me', reason: 'person' });
  assert.deepEqual(meets.workshops[1].sinks, []);
});

test('either_side_cancels_and_the_part_that_came_goes', async () => {
  for (const who of ['one', 'two']) {
    for (const after of [0, 20, 200]) {
      const meets = meeting();
      await accepted(meets, randomBytes(3_000_000, randomFrom(4)));
      for (let n = 0; n < after; n += 1) {
        meets.net.step();
        if (n % 8 === 0) await settle();
      }
      meets[who].cancel(only(meets[who]).key);
      await meets.run();
      const other = who === 'one' ? 'two' : 'one';
      assert.deepEqual(only(meets[who]).state, { phase: 'cancelled', by: 'me' });
      assert.deepEqual(only(meets[other]).state, { phase: 'cancelled', by: 'them' });
      for (const sink of meets.workshops[1].sinks) assert.deepEqual(sink.ended, { discard: true });
    }
  }
});

test('a_pause_of_either_stops_it_and_the_end_of_both_lets_it_go_on', async () => {
  const meets = meeting();
  const { one, two } = meets;
  await accepted(meets, randomBytes(6_000_000, randomFrom(5)));
  await meets.run(() => only(one).bytes > 500_000);
  two.hold(only(two).key, true);
  one.hold(only(one).key, true);
  await meets.run();
  const { bytes } = only(one);
  assert.ok(bytes < 6_000_000);
  assert.deepEqual(only(one).state, { phase: 'moving', held: { me: true, them: true } });
  two.hold(only(two).key, false);
  await meets.run();
  assert.equal(only(one).bytes, bytes, 'one still holds it');
  assert.deepEqual(only(two).state.held, { me: false, them: true });
  one.hold(only(one).key, false);
  await meets.run();
  assert.deepEqual([phases(one), phases(two)], [['done'], ['done']]);
});

test('a_cancel_that_was_lost_with_the_connection_is_said_again', async () => {
  for (const who of ['one', 'two']) {
    const meets = meeting();
    await accepted(meets, randomBytes(3_000_000, randomFrom(6)));
    await meets.run(() => only(meets.one).bytes > 0);
    meets[who].cancel(only(meets[who]).key);
    meets.net.cut();
    await meets.run();
    assert.deepEqual([phases(meets.one), phases(meets.two)], [['cancelled'], ['cancelled']], who);
  }
});

test('who_leaves_ends_what_is_open_and_nothing_else', async () => {
  const meets = meeting();
  await accepted(meets, randomBytes(100_000, randomFrom(7)), 'done.bin');
  await meets.run();
  meets.one.offer([file(randomBytes(3_000_000, randomFrom(7)))], [2]);
  await meets.run();
  meets.one.gone(2);
  assert.deepEqual(phases(meets.one), ['done', 'failed']);
  assert.equal(meets.one.list()[1].state.reason, 'gone', 'it was not accepted yet');
});

test('a_full_disk_and_a_broken_one_have_their_reasons_on_both_sides', async () => {
  for (const [name, reason] of [['QuotaExceededError', 'no_room'], ['NotReadableError', 'disk']]) {
    const breaks = () => Promise.reject(Object.assign(new Error('no'), { name }));
    const meets = meeting({ workshops: [fakeWorkshop(), fakeWorkshop({ breaks })] });
    await accepted(meets, randomBytes(1_000_000, randomFrom(8)));
    await meets.run();
    for (const side of ['one', 'two']) assert.deepEqual(only(meets[side]).state, { phase: 'failed', reason });
  }
  const meets = meeting({ keeps: [fakeKeep(), fakeKeep({ hasRoom: async () => false })] });
  await accepted(meets, randomBytes(1_000_000, randomFrom(8)));
  await meets.run();
  assert.deepEqual(only(meets.one).state, { phase: 'failed', reason: 'no_room' });
});

test('a_file_that_changes_while_it_is_sent_is_not_passed_off_as_the_one_that_was_offered', async () => {
  const workshop = fakeWorkshop();
  const reader = workshop.reader;
  workshop.reader = (chosen) => ({ ...reader(chosen), read: async () => new ArrayBuffer(10) });
  const meets = meeting({ workshops: [workshop, fakeWorkshop()] });
  await accepted(meets, randomBytes(1_000_000, randomFrom(9)));
  await meets.run();
  for (const side of ['one', 'two']) assert.deepEqual(only(meets[side]).state, { phase: 'failed', reason: 'unreadable' });
});

test('another_digest_is_a_failed_check_and_what_came_is_thrown_away', async () => {
  const workshop = fakeWorkshop();
  const reader = workshop.reader;
  workshop.reader = (chosen) => ({ ...reader(chosen), digest: async () => '0'.repeat(64) });
  const meets = meeting({ workshops: [workshop, fakeWorkshop()] });
  await accepted(meets, randomBytes(100_000, randomFrom(10)));
  await meets.run();
  for (const side of ['one', 'two']) assert.deepEqual(only(meets[side]).state, { phase: 'failed', reason: 'hash' });
  assert.deepEqual(meets.workshops[1].sinks[0].ended, { discard: true });
});

test('limits_hold_on_both_sides', async () => {
  const MIB = 1024 * 1024;
  const small = meeting({ filesMib: 1 });
  const large = file(new Uint8Array(MIB + 1), 'large');
  assert.deepEqual(small.one.offer([large, file(new Uint8Array(MIB), 'fits')], [2]), [large]);
  await small.run();
  assert.deepEqual(small.two.list().map(({ name }) => name), ['fits']);

  const inMemory = meeting({ keeps: [fakeKeep(), fakeKeep({ most: 10 })] });
  inMemory.one.offer([file(new Uint8Array(11))], [2]);
  await inMemory.run();
  assert.deepEqual(only(inMemory.one).state, { phase: 'refused', by: 'them', reason: 'too_large' });
  assert.deepEqual(only(inMemory.two).state, { phase: 'refused', by: 'me', reason: 'too_large' });

  const many = meeting();
  many.one.offer(Array.from({ length: 20 }, (_, n) => file(new Uint8Array(1), `${n}`)), [2]);
  await many.run();
  assert.equal(phases(many.two).length, 16);
  assert.deepEqual(phases(many.one).filter((phase) => phase === 'refused').length, 4);
});

test('several_files_at_once_and_in_both_directions_do_not_mix', async () => {
  const random = randomFrom(11);
  const workshops = [fakeWorkshop(), fakeWorkshop()];
  const meets = meeting({ random, workshops });
  const contents = Array.from({ length: 6 }, () => randomBytes(Math.floor(random() * 400_000), random));
  meets.one.offer(contents.slice(0, 3).map((bytes) => file(bytes)), [2]);
  meets.two.offer(contents.slice(3).map((bytes) => file(bytes)), [1]);
  await meets.run();
  for (const side of [meets.one, meets.two]) for (const { key, outgoing } of side.list()) if (!outgoing) side.accept(key);
  await settle();
  await meets.run();
  for (const [at, workshop] of [[0, workshops[1]], [3, workshops[0]]]) {
    const came = await Promise.all(workshop.sinks.map(async (sink) => sha256(new Uint8Array(await (await sink.finish()).arrayBuffer()))));
    assert.deepEqual(came, contents.slice(at, at + 3).map(sha256));
  }
});

test('the_connection_is_held_while_something_is_open_and_let_go_some_time_after', async () => {
  const meets = meeting();
  await accepted(meets, new Uint8Array(10));
  const held = () => [0, 1].map((at) => meets.net.ends[at].pair.held.has('files'));
  assert.deepEqual(held(), [true, true]);
  await meets.run();
  assert.deepEqual(phases(meets.two), ['done']);
  assert.deepEqual(held(), [true, true], 'the last words must arrive');
  await meets.timers.pass(10_000);
  assert.deepEqual(held(), [false, false]);
});

test('who_comes_back_as_another_participant_goes_on_where_it_stopped', async () => {
  for (const how of ['the receiver', 'both', 'the receiver, its page loaded again']) {
    const meets = meeting({ random: randomFrom(12) });
    const bytes = randomBytes(2_000_000, randomFrom(12));
    await accepted(meets, bytes);
    await meets.run(() => only(meets.one).bytes > 600_000);
    const had = only(meets.one).bytes;
    const id = only(meets.one).key.split('/')[1];
    meets.net.cut();
    meets.one.gone(2);
    assert.deepEqual(phases(meets.one), ['parted']);
    if (how.endsWith('again')) {
      const { sink } = meets.workshops[1];
      meets.workshops[1].sink = async (where) => {
        assert.equal(where.keep, true);
        const opened = await sink(where);
        await opened.write([bytes.slice(0, had).buffer]);
        return Object.assign(opened, { from: had });
      };
      const noted = { id, size: bytes.length, mime: '', name: 'a.bin', person: { id: 1, name: 'One', colour: 1 }, before: { kind: 'private', keep: true } };
      meets.again({ keep: fakeKeep({ noted: () => [noted] }) });
    } else {
      meets.two.clear();
      meets.again({ both: how === 'both' });
    }
    await meets.run();
    assert.deepEqual([phases(meets.one), phases(meets.two)], [['done'], ['done']], how);
    assert.equal(sha256(await taken(meets, how.endsWith('again') ? 1 : 0)), sha256(bytes), how);
  }
});

test('who_does_not_know_what_was_on_its_way_does_not_hear_of_it', async () => {
  const meets = meeting();
  await accepted(meets, randomBytes(2_000_000, randomFrom(13)));
  await meets.run(() => only(meets.one).bytes > 600_000);
  meets.net.cut();
  meets.one.gone(2);
  meets.two.clear();
  meets.again({ keep: fakeKeep() });
  const channel = meets.net.ends[1].pair.createChannel('files');
  const heard = [];
  channel.onmessage = ({ data }) => heard.push(data);
  await meets.run();
  // A proof from one participant to another is none from anybody else.
  for (const proof of ['0'.repeat(64), proofOf('id-1', 2, 1), proofOf('id-1', 1, 12)]) channel.send(JSON.stringify({ type: 'recall', proof }));
  await meets.run();
  assert.deepEqual([heard, phases(meets.one)], [[], ['parted']]);
  channel.send(JSON.stringify({ type: 'recall', proof: proofOf('id-1', 12, 1) }));
  await meets.run();
  assert.equal(JSON.parse(heard[0]).type, 'offer');
});

test('who_signs_out_leaves_no_file_behind_and_sends_none_on', async () => {
  const forgotten = [];
  const notes = new Set();
  const keep = fakeKeep({ over: ({ name }) => notes.add(name), forget: ({ name }) => forgotten.push(name) });
  const meets = meeting({ keeps: [fakeKeep(), keep] });
  await accepted(meets, randomBytes(1000, randomFrom(14)), 'done');
  await meets.run();
  meets.one.offer([file(randomBytes(3_000_000, randomFrom(15)), 'coming')], [2]);
  meets.two.offer([file(randomBytes(3_000_000, randomFrom(16)), 'going')], [1]);
  await meets.run();
  meets.two.accept(meets.two.list().find(({ name }) => name === 'coming').key);
  meets.one.accept(meets.one.list().find(({ name }) => name === 'going').key);
  await meets.run(() => meets.two.list().every(({ bytes }) => bytes > 0));
  assert.ok(meets.two.busy);
  meets.two.forgetAll();
  assert.deepEqual([meets.two.list(), meets.two.busy, forgotten.sort(), [...notes]], [[], false, ['coming', 'done', 'going'], ['done', 'coming']]);
  assert.equal(meets.net.ends[1].pair.held.size, 0);
  await meets.run();
  assert.deepEqual(phases(meets.one), ['done', 'cancelled', 'cancelled']);
  assert.deepEqual([meets.workshops[1].sinks[1].ended, meets.two.list()], [{ discard: true }, []]);
});

test('who_does_not_come_back_is_not_waited_for_without_end', async () => {
  const meets = meeting();
  await accepted(meets, randomBytes(2_000_000, randomFrom(13)));
  await meets.run(() => only(meets.one).bytes > 0);
  for (const [side, other] of [['one', 2], ['two', 1]]) {
    meets[side].gone(other);
    assert.deepEqual(phases(meets[side]), ['parted']);
  }
  await meets.timers.pass(16 * 60_000);
  for (const side of ['one', 'two']) assert.deepEqual(only(meets[side]).state, { phase: 'failed', reason: 'gone' });
  assert.deepEqual(meets.workshops[1].sinks[0].ended, { discard: true });
});
