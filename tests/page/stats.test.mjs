/** The numbers, and where pictures go. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { formatter } from '../../src/web/page/stats/format.js';
import { ages, median, playoutAge } from '../../src/web/page/stats/frames.js';
import { Sampler, unixMs } from '../../src/web/page/stats/report.js';
import { arrange } from '../../src/web/page/ui/layout.js';

const NTP = 2_208_988_800_000;
const TRACKS = [
  { mid: 'video0', source: 'screen', media: 'video' },
  { mid: 'audio1', source: 'sound', media: 'audio' },
];

function report(seconds, more = {}) {
  const stats = [
    {
      id: 'IN',
      type: 'inbound-rtp',
      mid: 'video0',
      codecId: 'C',
      timestamp: 1_000_000 + seconds * 1000,
      bytesReceived: 250_000 * seconds,
      packetsReceived: 300 * seconds,
      packetsLost: 3 * seconds,
      framesDecoded: 30 * seconds,
      totalDecodeTime: 0.06 * seconds,
      jitterBufferDelay: 0.21 * seconds,
      jitterBufferEmittedCount: 30 * seconds,
      frameWidth: 1280,
      frameHeight: 720,
      framesDropped: 2,
      freezeCount: 1,
      ...more,
    },
    { id: 'C', type: 'codec', mimeType: 'video/H264', sdpFmtpLine: 'packetization-mode=1;profile-level-id=42E01F' },
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.004 },
    { id: 'L', type: 'local-candidate', candidateType: 'prflx', protocol: 'udp' },
    { id: 'R', type: 'remote-candidate', candidateType: 'host', protocol: 'udp' },
    { id: 'OTHER', type: 'inbound-rtp', mid: 'nobody', timestamp: 1 },
  ];
  return new Map(stats.map((each) => [each.id, each]));
}

test('rates are those between two samples', () => {
  const sampler = new Sampler();
  const [first] = sampler.sample(report(10), TRACKS).rows;
  assert.deepEqual([first.kbps, first.lossPercent, first.bufferMs], [null, null, null]);
  assert.deepEqual([first.width, first.height, first.codec, first.profile], [1280, 720, 'H.264', '42e01f']);
  const { rows, link } = sampler.sample(report(12), TRACKS);
  assert.equal(rows.length, 1, 'a stream of no track is left out');
  const [row] = rows;
  const rounded = Object.fromEntries(
    ['kbps', 'fps', 'lossPercent', 'bufferMs', 'decodeMs'].map((key) => [key, Math.round(row[key] * 100) / 100]),
  );
  assert.deepEqual(rounded, { kbps: 2000, fps: 30, lossPercent: 0.99, bufferMs: 7, decodeMs: 2 });
  assert.deepEqual([row.lost, row.dropped, row.freezes, row.source], [36, 2, 1, 'screen']);
  assert.deepEqual(link, { rttMs: 4, route: 'host', protocol: 'UDP' });
});

test('counters that begin again give no rate rather than a wrong one', () => {
  const sampler = new Sampler();
  sampler.sample(report(10), TRACKS);
  const [row] = sampler.sample(report(12, { bytesReceived: 5 }), TRACKS).rows;
  assert.deepEqual([row.kbps, row.bufferMs], [null, null]);
  const same = sampler.sample(report(12, { bytesReceived: 5 }), TRACKS).rows[0];
  assert.equal(same.kbps, null, 'no time has passed');
});

test('packets found again do not make the loss negative', () => {
  const sampler = new Sampler();
  sampler.sample(report(10, { packetsLost: 20 }), TRACKS);
  assert.equal(sampler.sample(report(11, { packetsLost: 10 }), TRACKS).rows[0].lossPercent, 0);
});

test('without a mid a stream is known by its track', () => {
  const stats = report(1, { mid: undefined, trackIdentifier: 'track-7' });
  assert.equal(new Sampler().sample(stats, TRACKS).rows.length, 0);
  const [row] = new Sampler().sample(stats, TRACKS, new Map([['track-7', 'video0']])).rows;
  assert.equal(row.source, 'screen');
});

test('a relayed end makes a relayed route; without a pair nothing is said', () => {
  const stats = report(1);
  stats.get('R').candidateType = 'relay';
  assert.equal(new Sampler().sample(stats, TRACKS).link.route, 'relay');
  stats.delete('T');
  stats.delete('P');
  assert.deepEqual(new Sampler().sample(stats, TRACKS).link, { rttMs: null, route: null, protocol: null });
});

test('a frame’s age is measured by the daemon’s stamp, else by the browser’s guess, else from its arrival', () => {
  const clock = { offsetMs: 500, timeOriginMs: 1_700_000_000_000 };
  const frame = { expectedDisplayTime: 10_000, receiveTime: 9_988, captureTime: 9_000, rtpTimestamp: 1 };
  const source = { captureTimestamp: NTP + 1_700_000_000_000 + 9_960 + 500 };
  assert.deepEqual(ages(frame, source, clock), { captureMs: 40, arrivalMs: 12 });
  assert.equal(ages(frame, undefined, clock).captureMs, 1000);
  assert.equal(ages(frame, source, { ...clock, offsetMs: null }).captureMs, 1000);
  const { captureTime, ...bare } = frame;
  assert.deepEqual(ages(bare, undefined, clock), { captureMs: null, arrivalMs: 12 });
  assert.equal(ages({ expectedDisplayTime: 5, captureTime: 9 }, undefined, clock).captureMs, null, 'not of the future');
  assert.equal(ages({ expectedDisplayTime: 100_000, captureTime: 1 }, undefined, clock).captureMs, null, 'nor absurd');
});

test('times since 1900 and since 1970 are told apart', () => {
  assert.equal(unixMs(NTP + 1_700_000_000_000), 1_700_000_000_000);
  assert.equal(unixMs(1_700_000_000_000), 1_700_000_000_000);
  for (const nothing of [undefined, null, 0, -1, Number.NaN]) assert.equal(unixMs(nothing), null);
  assert.equal(playoutAge({ playoutMs: 1000, timestampMs: 900 }, 150), 50);
  assert.equal(playoutAge({ playoutMs: null, timestampMs: 900 }, 150), null);
  assert.equal(playoutAge({ playoutMs: 1000, timestampMs: 900 }, null), null);
});

test('medians', () => {
  assert.equal(median([]), null);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('numbers are written for people, and what is not known is not zero', () => {
  const f = formatter('en');
  assert.equal(f.bitrate(2512.4), '2.5 Mbit/s');
  assert.equal(f.bitrate(64.2), '64 kbit/s');
  assert.equal(f.bitrate(null), '–');
  assert.equal(f.ms(0.74), '0.7 ms');
  assert.equal(f.ms(41.6), '42 ms');
  assert.equal(f.roundTrip(0), '< 1 ms');
  assert.equal(f.percent(0), '0.0 %');
  assert.equal(f.size(null, 720), '–');
  assert.equal(formatter('es').bitrate(2512.4), '2,5 Mbit/s');
});

/** Every layout of every count in every room: nothing outside, nothing bent, nothing forgotten. */
test('pictures keep their shape and stay on the stage', () => {
  const rooms = [[1408, 828], [1000, 700], [366, 690], [824, 330], [296, 420], [3776, 2000], [160, 120]];
  const shapes = [16 / 9, 4 / 3, 9 / 16, 32 / 9, 1];
  for (const mode of ['grid', 'focus', 'overlay']) {
    for (const [width, height] of rooms) {
      for (let count = 1; count <= 9; count += 1) {
        const items = Array.from({ length: count }, (_, n) => ({ name: `s${n}`, aspect: shapes[n % shapes.length] }));
        const places = arrange({ mode, width, height, gap: 8, items, big: 's1' });
        const what = `${mode} ${width}x${height} of ${count}`;
        assert.equal(places.size, count, what);
        for (const { name, aspect } of items) {
          const place = places.get(name);
          assert.ok(place.x >= -1 && place.y >= -1, `${what}: ${JSON.stringify(place)}`);
          assert.ok(place.x + place.width <= width + 1 && place.y + place.height <= height + 1, `${what}: ${JSON.stringify(place)}`);
          if (Math.min(place.width, place.height) > 40) {
            assert.ok(Math.abs(place.width / place.height - aspect) < 0.06 * aspect, `${what}: bent`);
          }
        }
        const roles = [...places.values()].map(({ role }) => role);
        if (mode === 'grid') assert.ok(roles.every((role) => role === 'grid'));
        else assert.equal(roles.filter((role) => role === 'big').length, 1, what);
      }
    }
  }
});

const overlap = (a, b) =>
  a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1 && a.y < b.y + b.height - 1 && b.y < a.y + a.height - 1;

test('side by side and one big: no picture lies on another', () => {
  for (const mode of ['grid', 'focus']) {
    for (const [width, height] of [[1408, 828], [366, 690], [824, 330]]) {
      for (let count = 2; count <= 6; count += 1) {
        const items = Array.from({ length: count }, (_, n) => ({ name: `s${n}`, aspect: n % 2 ? 4 / 3 : 16 / 9 }));
        const places = [...arrange({ mode, width, height, gap: 8, items, big: 's0' }).values()];
        for (const [index, place] of places.entries()) {
          for (const other of places.slice(index + 1)) assert.ok(!overlap(place, other), `${mode} ${width} ${count}`);
        }
      }
    }
  }
});

test('screen and camera stand side by side on a desk and one above the other on a phone', () => {
  const items = [{ name: 'screen', aspect: 16 / 9 }, { name: 'camera', aspect: 4 / 3 }];
  const at = (width, height) => arrange({ mode: 'grid', width, height, gap: 8, items, big: null });
  for (const [width, height] of [[1408, 770], [992, 630], [824, 330]]) {
    const places = at(width, height);
    assert.equal(places.get('screen').y, places.get('camera').y, `${width}x${height}`);
  }
  const phone = at(366, 650);
  assert.ok(phone.get('camera').y > phone.get('screen').y + phone.get('screen').height - 1);
});

test('no room and no pictures make no layout', () => {
  assert.equal(arrange({ mode: 'grid', width: 0, height: 100, gap: 8, items: [{ name: 'a', aspect: 1 }], big: null }).size, 0);
  assert.equal(arrange({ mode: 'focus', width: 100, height: 100, gap: 8, items: [], big: null }).size, 0);
});
