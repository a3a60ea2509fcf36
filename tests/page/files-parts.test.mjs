/** The parts of file transfer: SHA-256, messages, names, states, pace, and what a hostile page says. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { createReading, writeToMemory, writeToPrivate } from '../../src/web/page/files/jobs.js';
import { createIncoming } from '../../src/web/page/files/incoming.js';
import { createLink } from '../../src/web/page/files/link.js';
import { OFFERED, isOver, step } from '../../src/web/page/files/machine.js';
import { createPace, secondsLeft } from '../../src/web/page/files/pace.js';
import { CHUNK, LONGEST, LONGEST_NAME, WINDOW, harmlessName, idOf, parse, parseWritten } from '../../src/web/page/files/protocol.js';
import { createReceiver } from '../../src/web/page/files/receiver.js';
import { createSender } from '../../src/web/page/files/sender.js';
import { Sha256 } from '../../src/web/page/files/sha256.js';
import { FakeTimers, settle } from './fakes.mjs';
import { FakeChannel, Net, randomBytes, randomFrom } from './files-fakes.mjs';

const ascii = (words) => new TextEncoder().encode(words);

test('sha256_gives_the_digests_of_the_standards_examples', () => {
  // FIPS 180-4's examples (NIST, "SHA256.pdf" and the long messages beside it).
  const vectors = [
    [ascii(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [ascii('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'), '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
    [new Uint8Array([0xbd]), '68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b'],
    [new Uint8Array(55), '02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7'],
    [new Uint8Array(56), 'd4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb'],
    [new Uint8Array(64), 'f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b'],
    [new Uint8Array(1_000_000).fill(0x61), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ];
  for (const [message, digest] of vectors) assert.equal(new Sha256().update(message).hex(), digest, `of ${message.length} bytes`);
});

test('sha256_is_nodes_in_whatever_pieces_the_bytes_come', () => {
  const random = randomFrom(180);
  for (let round = 0; round < 300; round += 1) {
    const bytes = randomBytes(Math.floor(random() ** 3 * 20_000), random);
    const hash = new Sha256();
    for (let at = 0; at < bytes.length; ) {
      const end = at + Math.floor(random() * (random() < 0.5 ? 70 : 5000));
      hash.update(bytes.subarray(at, end));
      at = Math.min(end, bytes.length);
    }
    assert.equal(hash.length, bytes.length);
    assert.equal(hash.hex(), createHash('sha256').update(bytes).digest('hex'));
  }
});

test('messages_are_taken_as_they_must_be_and_nothing_else_is', () => {
  const offer = { type: 'offer', id: 'a-1', name: 'a.txt', size: 5, mime: 'text/plain', hash: 'sha-256' };
  assert.deepEqual(parse(JSON.stringify({ ...offer, more: 1 })), offer);
  assert.deepEqual(parse('{"type":"accept","id":"a","from":0}'), { type: 'accept', id: 'a', from: 0 });
  assert.deepEqual(parse('{"type":"cancel","id":"a","__proto__":{"x":1}}'), { type: 'cancel', id: 'a' });
  const wrong = [
    undefined, null, 5, new ArrayBuffer(4), '', '{', 'null', '[]', '"offer"', '{}', '{"type":"offer"}',
    ...[{ size: -1 }, { size: 1.5 }, { size: 2 ** 53 }, { size: '5' }, { size: null }, { id: '' }, { id: 'a/b' }, { id: 'x'.repeat(37) }, { id: 5 },
      { name: 5 }, { name: 'n'.repeat(1025) }, { hash: 'md5' }, { mime: {} }, { type: 'constructor' }, { type: '__proto__' }, { name: undefined },
    ].map((change) => JSON.stringify({ ...offer, ...change })),
    JSON.stringify({ ...offer, more: 'x'.repeat(LONGEST) }),
    '{"type":"accept","id":"a"}', '{"type":"accept","id":"a","from":1e99}', '{"type":"refuse","id":"a","reason":"<b>"}',
    '{"type":"done","id":"a","sha256":"00"}', `{"type":"done","id":"a","sha256":"${'A'.repeat(64)}"}`, '{"type":"failed","id":"a","reason":"gone"}',
  ];
  for (const text of wrong) assert.equal(parse(text), null, String(text).slice(0, 90));
  assert.equal(parse(JSON.stringify({ ...offer, mime: 'text/html;"><script>' })).mime, '');
  assert.equal(parseWritten('{"type":"written","bytes":7}'), 7);
  for (const text of ['{"type":"written"}', '{"type":"written","bytes":-1}', '7', new ArrayBuffer(1)]) assert.equal(parseWritten(text), null);
  assert.equal(idOf('file:a-1'), 'a-1');
  for (const label of ['file:', 'file:a b', 'files', 'room', `file:${'x'.repeat(37)}`]) assert.equal(idOf(label), null);
});

test('names_of_files_are_harmless_and_keep_what_they_can', () => {
  const names = [
    ['Bericht (2).pdf', 'Bericht (2).pdf'],
    ['ñandú 日本.txt', 'ñandú 日本.txt'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['C:\\Windows\\system.ini', 'C__Windows_system.ini'],
    ['.bashrc', 'bashrc'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['a\u0000b\nc\u200b.txt', 'abc.txt'],
    ['nul.txt', '_nul.txt'],
    ['COM1', '_COM1'],
    ['  . . ', 'file'],
    ['', 'file'],
    ['\ud800', 'file'],
    ['<img src=x onerror=alert(1)>', '_img src=x onerror=alert(1)_'],
    ['end. ', 'end'],
  ];
  for (const [name, harmless] of names) assert.equal(harmlessName(name), harmless);
  const long = harmlessName(`${'ä'.repeat(500)}.tar`);
  assert.equal([...long].length, LONGEST_NAME);
  assert.ok(long.endsWith('ä.tar'));
  const random = randomFrom(7);
  for (let round = 0; round < 2000; round += 1) {
    const name = String.fromCharCode(...Array.from({ length: random() * 300 }, () => random() * (random() < 0.5 ? 128 : 65_536)));
    const harmless = harmlessName(name);
    assert.ok(harmless.length > 0 && [...harmless].length <= LONGEST_NAME, JSON.stringify(name));
    assert.doesNotMatch(harmless, /[/\\:\p{Cc}\p{Cf}\p{Cs}]|^\.|[. ]$/u, JSON.stringify(name));
    assert.equal(harmlessName(harmless), harmless, 'and stays so');
  }
});

test('whatever_happens_in_whatever_order_an_end_is_an_end', () => {
  const random = randomFrom(9);
  const sides = ['me', 'them'];
  const side = () => sides[Math.floor(random() * 2)];
  const events = [
    () => ({ type: 'accept' }), () => ({ type: 'refuse', by: side(), reason: 'person' }), () => ({ type: 'hold', by: side(), value: random() < 0.5 }),
    () => ({ type: 'sent' }), () => ({ type: 'verified' }), () => ({ type: 'cancel', by: side() }), () => ({ type: 'fail', reason: 'disk' }), () => ({ type: 'other' }),
  ];
  for (let round = 0; round < 3000; round += 1) {
    let state = OFFERED;
    let moved = false;
    for (let n = 0; n < 12; n += 1) {
      const event = events[Math.floor(random() * events.length)]();
      const next = step(state, event);
      if (isOver(state)) assert.equal(next, state);
      if (next.phase === 'refused') assert.ok(!moved, 'what was accepted is not refused');
      if (next.phase === 'done') assert.ok(['checking', 'done'].includes(state.phase), 'nothing is done unchecked');
      moved ||= next.phase === 'moving';
      state = next;
    }
  }
});

test('the_pace_is_that_of_the_last_seconds_and_unknown_at_first', () => {
  const pace = createPace();
  assert.equal(pace.speed(0), null);
  pace.add(0, 0);
  pace.add(100, 5000);
  assert.equal(pace.speed(100), null, 'too early to say');
  for (let at = 200; at <= 10_000; at += 100) pace.add(at, at * 50);
  assert.equal(Math.round(pace.speed(10_000)), 50_000);
  for (let at = 10_100; at <= 15_000; at += 100) pace.add(at, 500_000 + (at - 10_000) * 10);
  assert.equal(Math.round(pace.speed(15_000)), 10_000, 'what was before is forgotten');
  assert.ok(pace.speed(60_000) < 1000, 'and sinks when nothing comes');
  pace.add(15_100, 0);
  assert.equal(pace.speed(15_100), null, 'begun again');
  assert.equal(secondsLeft(1000, 100), 10);
  for (const speed of [0, null]) assert.equal(secondsLeft(1000, speed), null);
});

function receiving(size) {
  const failed = [];
  const sink = { write: () => new Promise(() => {}), digest: async () => '' };
  const receiver = createReceiver({ size, sink, on: { progress: () => {}, complete: () => failed.push('complete'), fail: (reason) => failed.push(reason) } });
  const channel = new FakeChannel(new Net(), 'file:a');
  channel.other = channel;
  channel.readyState = 'open';
  receiver.attach(channel);
  return { failed, channel, say: (data) => channel.onmessage?.({ data }) };
}

test('chunks_that_are_not_what_was_agreed_end_the_transfer', () => {
  const bad = {
    'too large': [new ArrayBuffer(CHUNK + 1)],
    'short in the middle': [new ArrayBuffer(CHUNK), new ArrayBuffer(CHUNK - 1)],
    'empty': [new ArrayBuffer(0)],
    'a text': ['x'.repeat(CHUNK)],
    'beyond the end': [...Array.from({ length: 10 }, () => new ArrayBuffer(CHUNK)), new ArrayBuffer(1)],
  };
  for (const [what, chunks] of Object.entries(bad)) {
    const { failed, channel, say } = receiving(10 * CHUNK);
    chunks.forEach(say);
    assert.deepEqual(failed, ['protocol'], what);
    assert.equal(channel.readyState, 'closed', what);
  }
  const { failed, say } = receiving(100 * WINDOW);
  for (let n = 0; n < WINDOW / CHUNK; n += 1) say(new ArrayBuffer(CHUNK));
  assert.deepEqual(failed, []);
  say(new ArrayBuffer(CHUNK));
  assert.deepEqual(failed, ['protocol'], 'more than the window');
});

test('a_receiver_that_says_impossible_things_ends_the_transfer', async () => {
  const sending = () => {
    const failed = [];
    const reader = { piece: CHUNK, read: async () => new ArrayBuffer(CHUNK), digest: async () => '' };
    const sender = createSender({ size: 4 * CHUNK, reader, on: { progress: () => {}, sent: () => {}, lost: () => {}, fail: (reason) => failed.push(reason) } });
    const channel = new FakeChannel(new Net(), 'file:a');
    channel.other = channel;
    channel.readyState = 'open';
    return { failed, sender, channel };
  };
  for (const said of ['{"type":"written","bytes":99999999}', 'what', new ArrayBuffer(5)]) {
    const { failed, sender, channel } = sending();
    sender.attach(channel, 0);
    channel.onmessage({ data: said });
    assert.deepEqual(failed, ['protocol']);
    assert.equal(channel.readyState, 'closed');
  }
  const { failed, sender, channel } = sending();
  sender.attach(channel, CHUNK);
  await settle();
  assert.deepEqual(failed, ['protocol'], 'it has what was never sent');
});

test('nonsense_on_the_channel_is_passed_over_and_in_the_end_not_listened_to', () => {
  const net = new Net();
  const heard = [];
  const link = createLink({ pair: net.ends[0].pair, timers: new FakeTimers(), on: { open: () => {}, closed: () => {}, message: (message) => heard.push(message.type) } });
  net.ends[0].on('channel', (_, channel) => link.take(channel));
  const other = net.ends[1].pair.createChannel('files');
  net.step();
  for (const nonsense of ['{', 'x'.repeat(5000), new Uint8Array(70)]) other.send(nonsense);
  other.send('{"type":"cancel","id":"a"}');
  while (net.step());
  assert.deepEqual(heard, ['cancel']);
  for (let n = 0; n < 40; n += 1) other.send('nonsense');
  other.send('{"type":"cancel","id":"a"}');
  while (net.step());
  assert.deepEqual(heard, ['cancel']);
});

test('a_channel_that_closes_by_itself_is_made_again_ever_more_seldom', async () => {
  const net = new Net();
  const timers = new FakeTimers();
  let opened = 0;
  const link = createLink({ pair: net.ends[0].pair, timers, on: { open: () => (opened += 1), closed: () => {}, message: () => {} } });
  net.noChannels = true;
  link.want(true);
  await timers.pass(60_000);
  assert.equal(net.channels.length, 0);
  net.noChannels = false;
  await timers.pass(15_000);
  net.step();
  assert.deepEqual([opened, link.open], [1, true]);
  net.channels[1].close();
  while (net.step());
  assert.equal(link.open, false);
  await timers.pass(1000);
  net.step();
  assert.deepEqual([opened, link.open], [2, true]);
});

test('after_a_connection_that_was_closed_here_a_channel_is_made_anew_though_none_told_of_its_end', async () => {
  const net = new Net();
  const timers = new FakeTimers();
  let closed = 0;
  const { pair } = net.ends[0];
  // As Safari does it: after close() of the connection its channels say nothing.
  const release = (name) => {
    pair.held.delete(name);
    for (const channel of net.channels) channel.readyState = 'closed';
  };
  const link = createLink({ pair: { ...pair, release }, timers, on: { open: () => {}, closed: () => (closed += 1), message: () => {} } });
  net.ends[0].on('channel', (_, channel) => link.take(channel));
  net.ends[1].pair.createChannel('files');
  net.step();
  link.want(true);
  link.want(false);
  await timers.pass(6000);
  assert.deepEqual([link.open, closed, pair.held.size], [false, 1, 0]);
  link.want(true);
  while (net.step());
  assert.equal(link.open, true);
});

test('what_has_come_is_finished_once_however_often_the_sender_is_done', async () => {
  const digest = '0'.repeat(64);
  let finished = 0;
  const said = [];
  const entry = { id: 'a', size: 0, mime: '', state: OFFERED, where: null, before: null };
  const finish = () => new Promise((resolve) => setImmediate(resolve, (finished += 1)));
  const incoming = createIncoming({
    entry,
    workshop: { sink: async () => ({ from: 0, write: async () => {}, digest: async () => digest, finish, end: () => {} }) },
    hasRoom: async () => true,
    resume: () => null,
    timers: new FakeTimers(),
    say: ({ type }) => said.push(type),
    move: (event) => (entry.state = step(entry.state, event)),
    progress: () => {},
  });
  await incoming.accept({ kind: 'memory' });
  await settle();
  for (let times = 0; times < 2; times += 1) incoming.message({ type: 'done', id: 'a', sha256: digest });
  await settle();
  await settle();
  assert.deepEqual([finished, entry.state.phase, said], [1, 'done', ['accept', 'verified']]);
});

test('a_file_is_read_again_and_hashed_once', async () => {
  const bytes = randomBytes(1000, randomFrom(2));
  const reading = createReading(new Blob([bytes]));
  await reading.read(0, 400);
  await reading.read(100, 500);
  await assert.rejects(reading.digest(), /not all/);
  await assert.rejects(reading.read(700, 100), /out of order/);
  assert.equal((await reading.read(600, 500)).byteLength, 400);
  const digest = createHash('sha256').update(bytes).digest('hex');
  assert.equal(await reading.digest(), digest);
  await reading.read(0, 400);
  assert.equal(await reading.digest(), digest);
  const writing = writeToMemory('text/plain');
  await writing.write([bytes.slice(0, 300).buffer, bytes.slice(300).buffer]);
  assert.equal(await writing.digest(), digest);
  const written = await writing.finish();
  assert.equal(written.type, 'text/plain');
  assert.deepEqual(new Uint8Array(await written.arrayBuffer()), bytes);
});

test('what_a_page_had_written_before_it_was_loaded_again_counts', async () => {
  const bytes = randomBytes(5000, randomFrom(2));
  const disk = { bytes: bytes.slice(0, 3000), open: 0, removed: false };
  const access = {
    getSize: () => disk.bytes.length,
    read: (into, { at }) => {
      const part = disk.bytes.subarray(at, at + Math.min(into.length, 700));
      into.set(part);
      return part.length;
    },
    write: (part, { at }) => {
      const all = new Uint8Array(Math.max(disk.bytes.length, at + part.length));
      all.set(disk.bytes);
      all.set(part, at);
      disk.bytes = all;
      return part.length;
    },
    truncate: (size) => (disk.bytes = disk.bytes.slice(0, size)),
    flush: () => {},
    close: () => (disk.open -= 1),
  };
  const folder = {
    getFileHandle: async () => ({ createSyncAccessHandle: async () => ((disk.open += 1), access) }),
    removeEntry: async () => (disk.removed = true),
  };
  const writing = await writeToPrivate(folder, 'a', { size: 5000, keep: true });
  assert.equal(writing.from, 3000);
  await writing.write([bytes.slice(3000).buffer]);
  assert.equal(await writing.digest(), createHash('sha256').update(bytes).digest('hex'));
  await writing.finish();
  await writing.end(false);
  assert.deepEqual([disk.bytes, disk.open, disk.removed], [bytes, 0, false]);
  // More than the file has: another one's. And a new one takes nothing over.
  for (const options of [{ size: 4000, keep: true }, { size: 5000, keep: false }]) {
    const anew = await writeToPrivate(folder, 'a', options);
    assert.equal(anew.from, 0);
    await anew.end(true);
  }
  assert.deepEqual([disk.bytes.length, disk.open, disk.removed], [0, 0, true]);
});
