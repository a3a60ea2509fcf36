/** What the inspector makes of descriptions, statistics and round trips, and its words. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import test from 'node:test';
import { tablesOf } from '../../src/web/page/inspector/connection.js';
import { createEcho, roundTrips } from '../../src/web/page/inspector/echo.js';
import { figures } from '../../src/web/page/inspector/figures.js';
import { readProfile } from '../../src/web/page/inspector/h264.js';
import { parseSdp, sideBySide } from '../../src/web/page/inspector/sdp.js';
import { createSeries, extremes, MEASURES, SAMPLES } from '../../src/web/page/inspector/series.js';
import { SPECS } from '../../src/web/page/inspector/story.js';
import { en } from '../../src/web/page/inspector/words/en.js';
import { es } from '../../src/web/page/inspector/words/es.js';
import { en as sdpEn } from '../../src/web/page/inspector/words/sdp-en.js';
import { es as sdpEs } from '../../src/web/page/inspector/words/sdp-es.js';
import { FakeTimers } from './fakes.mjs';

const golden = new URL('../golden/sdp/', import.meta.url);
const inspector = new URL('../../src/web/page/inspector/', import.meta.url);
const read = (name) => readFile(new URL(name, golden), 'utf8');

test('of every golden description nothing is lost, and each line is explained', async () => {
  const files = (await readdir(golden)).filter((name) => name.endsWith('.sdp'));
  assert.ok(files.length > 10);
  for (const file of files) {
    const text = await read(file);
    const sections = parseSdp(text);
    const lines = sections.flatMap(({ lines }) => lines);
    assert.deepEqual(lines.map(({ raw }) => raw), text.split(/\r?\n/).filter((line) => line !== ''), file);
    assert.equal(sections.length - 1, text.match(/^m=/gm).length, file);
    for (const { raw, meaning, values, spec } of lines) {
      assert.ok(meaning !== null, `${file}: ${raw} is not explained`);
      const words = sdpEn[`sdp.${meaning}`];
      assert.ok(words !== undefined, `${file}: ${raw} has no words (${meaning})`);
      assert.match(spec, /RFC \d/, raw);
      for (const [, hole] of words.matchAll(/\{(\w+)\}/g)) assert.equal(typeof values[hole], 'string', `${raw}: {${hole}}`);
    }
  }
});

test('offer and answer stand beside each other, and every line is in one row', async () => {
  const [offer, answer] = [parseSdp(await read('offer-h264.sdp')), parseSdp(await read('chromium-h264-candidates.sdp'))];
  const pairs = sideBySide(offer, answer);
  assert.deepEqual(pairs.map(({ offer: { kind, media, mid } }) => [kind, media, mid]), [
    ['session', '', ''],
    ['media', 'video', 'video0'],
    ['media', 'video', 'video1'],
    ['media', 'audio', 'audio2'],
  ]);
  for (const [index, { rows }] of pairs.entries()) {
    assert.deepEqual(rows.map((row) => row.offer).filter((line) => line !== null), offer[index].lines);
    assert.deepEqual(new Set(rows.map((row) => row.answer).filter((line) => line !== null)), new Set(answer[index].lines));
  }
  const beside = (raw) => pairs[1].rows.find((row) => row.offer?.raw === raw).answer?.raw ?? null;
  assert.equal(beside('a=setup:actpass'), 'a=setup:active');
  assert.equal(beside('a=sendonly'), 'a=recvonly');
  assert.match(beside('a=fmtp:96 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1'), /^a=fmtp:96 /);
  assert.equal(beside('a=rtcp-mux-only'), null);
  assert.deepEqual([offer[1].direction, answer[1].direction], ['sendonly', 'recvonly']);
});

test('a rejected section is one with port 0 that is not bundled only', async () => {
  const offer = parseSdp(await read('offer-h264.sdp'));
  assert.deepEqual(offer.slice(1).map(({ rejected }) => rejected), [false, false, false]);
  const answer = parseSdp(await read('firefox-h264-without-h264.sdp'));
  assert.ok(answer.some(({ rejected }) => rejected));
});

test('what is no SDP, or not known, is shown as it is; passwords are marked', () => {
  const [session, media] = parseSdp('v=0\nhello there\na=x-new:1 2\nz=\na=ice-pwd:abc\n\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=sctp-port:5000\na=max-message-size:262144\na=constructor');
  assert.deepEqual(session.lines.map(({ raw, name, value, meaning, secret }) => [raw, name, value, meaning, secret]), [
    ['v=0', 'v', '0', 'v', false],
    ['hello there', '', 'hello there', null, false],
    ['a=x-new:1 2', 'x-new', '1 2', null, false],
    ['z=', 'z', '', null, false],
    ['a=ice-pwd:abc', 'ice-pwd', 'abc', 'ice_pwd', true],
  ]);
  assert.deepEqual(media.lines.map(({ meaning }) => meaning), ['m_data', 'sctp_port', 'max_message_size', null]);
  assert.deepEqual(parseSdp(''), []);
  assert.equal(parseSdp('m=video 0 X 96').length, 2, 'the session is there though it says nothing');
});

test('H.264 profiles and levels are those of RFC 6184', () => {
  const names = Object.entries({
    '42e01f': 'Constrained Baseline 3.1',
    '42001f': 'Baseline 3.1',
    '4d0032': 'Main 5',
    '4d8028': 'Constrained Baseline 4',
    '640c34': 'Constrained High 5.2',
    '64002A': 'High 4.2',
    f4001f: 'High 4:4:4 Predictive 3.1',
    '42f00b': 'Constrained Baseline 1b',
    '42e00b': 'Constrained Baseline 1.1',
    '99001f': 'null 3.1',
  });
  for (const [id, words] of names) {
    const { profile, level } = readProfile(id);
    assert.equal(`${profile} ${level}`, words, id);
  }
  for (const id of ['', '42e0', 'xxxxxx', null, undefined]) assert.equal(readProfile(id), null);
});

const STATS = [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'P2', tlsVersion: 'FEFD', dtlsCipher: 'TLS_X', srtpCipher: 'SRTP_Y', dtlsRole: 'client', dtlsState: 'connected', iceRole: 'controlled', localCertificateId: 'CL', remoteCertificateId: 'gone' },
  { id: 'CL', type: 'certificate', fingerprint: 'AB:CD', fingerprintAlgorithm: 'sha-256' },
  { id: 'P1', type: 'candidate-pair', state: 'failed', localCandidateId: 'L1', remoteCandidateId: 'R1' },
  { id: 'P3', type: 'candidate-pair', state: 'succeeded', localCandidateId: 'L1', remoteCandidateId: 'R1' },
  { id: 'P2', type: 'candidate-pair', state: 'succeeded', nominated: true, localCandidateId: 'L1', remoteCandidateId: 'R1', currentRoundTripTime: 0.0042, bytesReceived: 10, bytesSent: 20, responsesReceived: 3 },
  { id: 'L1', type: 'local-candidate', candidateType: 'srflx', address: 'fd00::2', port: 5000, protocol: 'udp', priority: 5 },
  { id: 'L2', type: 'local-candidate', candidateType: 'host', address: '', port: 9, protocol: 'tcp', tcpType: 'active', priority: 9 },
  { id: 'R1', type: 'remote-candidate', candidateType: 'host', address: '192.0.2.1', port: 8443, protocol: 'udp', priority: 7 },
  { id: 'I', type: 'inbound-rtp', kind: 'video', mid: 'video0', codecId: 'C', ssrc: 1 },
  { id: 'J', type: 'inbound-rtp', kind: 'audio', mid: 'audio1', codecId: 'gone' },
  { id: 'C', type: 'codec', mimeType: 'video/H264', payloadType: 96, clockRate: 90000, sdpFmtpLine: 'profile-level-id=42e01f' },
];

test('statistics become tables: the chosen pair first, failed ones last', () => {
  const { pairs, local, remote, security, codecs } = tablesOf(STATS.map((each) => [each.id, each]));
  assert.deepEqual(pairs.map(({ id, chosen }) => [id, chosen]), [['P2', true], ['P3', false], ['P1', false]]);
  assert.deepEqual([pairs[0].rttMs, pairs[0].received, pairs[0].sent, pairs[0].checks], [4.2, 10, 20, 3]);
  assert.deepEqual(pairs[0].local, { id: 'L1', kind: 'srflx', address: '[fd00::2]:5000', protocol: 'UDP' });
  assert.deepEqual(local.map(({ id, address, protocol }) => [id, address, protocol]), [['L2', null, 'TCP active'], ['L1', '[fd00::2]:5000', 'UDP']]);
  assert.equal(remote[0].address, '192.0.2.1:8443');
  assert.deepEqual([security.dtlsVersion, security.dtlsCipher, security.srtpCipher, security.local, security.remote], ['DTLS 1.2', 'TLS_X', 'SRTP_Y', 'sha-256 AB:CD', null]);
  assert.deepEqual(codecs.map(({ mid, name, payloadType, profile }) => [mid, name, payloadType, profile]), [['video0', 'H264', 96, { profile: 'Constrained Baseline', level: '3.1' }]]);
});

test('of a browser that tells little there is little, and nothing fails', () => {
  assert.deepEqual(tablesOf(new Map()), { pairs: [], local: [], remote: [], security: null, codecs: [] });
  const { pairs, security } = tablesOf([['P', { id: 'P', type: 'candidate-pair', nominated: true, state: 'succeeded' }], ['T', { id: 'T', type: 'transport' }]]);
  assert.deepEqual([pairs[0].chosen, pairs[0].rttMs, pairs[0].local.address, security.srtpCipher], [true, null, null, null]);
});

test('one sample a second is kept, of the last two minutes', () => {
  const series = createSeries();
  series.tracks = [{ mid: 'v', source: 'screen', media: 'video' }];
  const report = (seconds) =>
    new Map([
      ['I', { id: 'I', type: 'inbound-rtp', mid: 'v', timestamp: seconds * 1000, bytesReceived: 125 * seconds, packetsReceived: seconds, packetsLost: 0, framesDecoded: 30 * seconds, jitter: 0.002, totalProcessingDelay: 0.3 * seconds }],
      ['P', { id: 'P', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.003 }],
    ]);
  for (let at = 0; at <= 200_000; at += 250) series.offer(report(at / 1000), at);
  assert.equal(series.samples.length, SAMPLES);
  const { times, lines } = series.chart('bitrate', 200_000);
  assert.deepEqual([times[0], times.at(-1), lines.length, lines[0].name], [1 - SAMPLES, 0, 1, 'screen']);
  assert.deepEqual(extremes(lines[0].values), { last: 1, min: 1, max: 1 });
  const now = Object.fromEntries(MEASURES.map((key) => [key, Math.round(extremes(series.chart(key, 200_000).lines[0].values).last * 10) / 10]));
  assert.deepEqual(now, { bitrate: 1, fps: 30, loss: 0, rtt: 3, jitter: 2, delay: 10 });
  series.cut(201_000);
  assert.equal(series.chart('rtt', 201_000).lines[0].values.at(-1), null, 'a gap between two sessions');
  for (let times = 0; times < 5; times += 1) series.cut(202_000 + times);
  assert.equal(series.samples.length, SAMPLES, 'sessions without samples do not add up');
  assert.deepEqual(extremes([]), { last: null, min: null, max: null });
});

/** A channel that answers after that many ms; null for never. */
function fakeChannel(timers, delay) {
  return Object.assign(new EventTarget(), {
    readyState: 'open',
    sent: 0,
    send(data) {
      this.sent += 1;
      const ms = delay(this.sent);
      if (ms !== null) timers.setTimeout(() => this.dispatchEvent(Object.assign(new Event('message'), { data })), ms);
    },
  });
}

test('the echo measures each message once, and counts those that never come back', async () => {
  const timers = new FakeTimers();
  let channel = null;
  const echo = createEcho({ channel: () => channel, timers, changed: () => {} });
  assert.equal(echo.there, false);
  echo.start();
  await timers.pass(500);
  assert.deepEqual(echo.summary, { count: 0, last: null, median: null, high: null, lost: 0 });
  channel = fakeChannel(timers, (number) => (number === 3 ? null : 10 * number));
  await timers.pass(6000);
  assert.equal(echo.summary.lost, 1);
  assert.deepEqual(echo.trips.slice(0, 3), [10, 20, 40]);
  channel.dispatchEvent(Object.assign(new Event('message'), { data: 'not asked for' }));
  const { count } = echo.summary;
  echo.stop();
  await timers.pass(3000);
  assert.deepEqual([echo.summary.count, echo.running, timers.pending], [count, false, 0]);
});

test('median and 95 % of round trips', () => {
  const trips = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(roundTrips(trips), { count: 100, last: 1, median: 50, high: 95 });
  assert.deepEqual(roundTrips([7]), { count: 1, last: 7, median: 7, high: 7 });
});

test('both languages explain the same things with the same values', () => {
  const holes = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const [english, spanish] of [[en, es], [sdpEn, sdpEs]]) {
    assert.deepEqual(Object.keys(spanish), Object.keys(english));
    for (const key of Object.keys(english)) {
      assert.deepEqual(holes(spanish[key]), holes(english[key]), key);
      assert.ok(english[key].trim() !== '' && spanish[key].trim() !== '', key);
    }
  }
});

test('every step has its explanation and its place in a specification, and no word is left over', async () => {
  const lessons = Object.keys(en).filter((key) => key.startsWith('lesson.'));
  assert.deepEqual(lessons.map((key) => key.slice('lesson.'.length)).sort(), Object.keys(SPECS).sort());
  const files = (await readdir(inspector)).filter((name) => name.endsWith('.js'));
  const code = (await Promise.all(files.map((name) => readFile(new URL(name, inspector), 'utf8')))).join('\n');
  const asked = new Set([...code.matchAll(/['"](inspect\.[a-z_.]+)['"]/g)].map(([, key]) => key));
  const begun = [...code.matchAll(/`(inspect\.[a-z_.]+\.)\$\{/g)].map(([, start]) => start);
  for (const key of asked) assert.ok(Object.hasOwn(en, key), `${key} has no words`);
  for (const key of Object.keys(en).filter((each) => each.startsWith('inspect.'))) {
    assert.ok(asked.has(key) || begun.some((start) => key.startsWith(start)), `${key} is never said`);
  }
  const meanings = await readFile(new URL('meanings.js', inspector), 'utf8');
  for (const key of Object.keys(sdpEn)) {
    const word = key.slice('sdp.'.length);
    const said = meanings.includes(`'${word}'`) || meanings.includes(`'${word.replaceAll('_', '-')}'`) || meanings.includes(`\n  ${word}:`);
    assert.ok(said || word.startsWith('setup_'), `${key} is never said`);
  }
});

test('figures are short and in the person’s language', () => {
  const [english, spanish] = [figures('en'), figures('es')];
  assert.deepEqual([english.since(850.4), english.since(12_340), spanish.since(12_340)], ['850 ms', '12.3 s', '12,3 s']);
  assert.deepEqual([english.later(5000), spanish.later(120_000)], ['5 seconds', '2 minutos']);
  assert.deepEqual([english.bytes(null), english.bytes(999), english.bytes(1_500_000)], ['–', '999 byte', '1.5 MB']);
  assert.deepEqual([english.trip(0.42), english.trip(250)], ['0.4 ms', '250 ms']);
});
