/** What a call is made of: devices, levels, how much is sent to whom. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createDevices, problemOf } from '../../src/web/page/call/devices.js';
import { evenly } from '../../src/web/page/ui/call/grid.js';
import { createMeter, onMeter, receivedLevel, Speaking } from '../../src/web/page/call/levels.js';
import { encodingFor, giveEncoding, shownFrom } from '../../src/web/page/call/quality.js';
import { en } from '../../src/web/page/i18n/en.js';
import { FakeStream, FakeTrack } from './call-fakes.mjs';
import { FakeDevices } from './call-house.mjs';
import { settle } from './fakes.mjs';

function withDevices(media = new FakeDevices()) {
  FakeTrack.all.length = 0;
  const heard = { unplugged: [], screenEnded: 0 };
  const devices = createDevices({
    media,
    on: { change() {}, unplugged: (...values) => heard.unplugged.push(values), screenEnded: () => (heard.screenEnded += 1) },
  });
  return { media, devices, heard };
}

test('both_are_asked_for_in_one_question_and_speech_is_asked_for_as_speech', async () => {
  const { media, devices } = withDevices();
  await devices.open(['microphone', 'camera']);
  assert.equal(media.asked.length, 1);
  const { audio } = media.asked[0];
  assert.deepEqual([audio.echoCancellation, audio.noiseSuppression, audio.autoGainControl], [true, true, true]);
  assert.equal(devices.track('microphone').kind, 'audio');
  assert.equal(devices.track('camera').kind, 'video');
});

test('a_microphone_is_had_where_there_is_no_camera_and_each_has_its_own_reason', async () => {
  for (const [name, problem] of [
    ['NotFoundError', 'none'],
    ['NotReadableError', 'busy'],
    ['NotAllowedError', 'refused'],
    ['TypeError', 'failed'],
  ]) {
    const { media, devices } = withDevices();
    media.fails.video = name;
    await devices.open(['microphone', 'camera']);
    assert.equal(devices.problem('camera'), problem);
    assert.equal(devices.problem('microphone'), null);
    assert.notEqual(devices.track('microphone'), null);
    assert.equal(devices.track('camera'), null);
    const key = `call.problem.camera.${problem}`;
    assert.ok(key in en || problem === 'failed', `there is a sentence for ${problem}`);
  }
  assert.equal(problemOf(undefined), 'failed');
});

test('an_insecure_page_says_so_and_lists_nothing', async () => {
  const { devices } = withDevices(null);
  await devices.open(['microphone', 'camera']);
  assert.deepEqual([devices.problem('microphone'), devices.problem('camera')], ['insecure', 'insecure']);
  assert.equal(devices.secure, false);
  assert.equal(await devices.openScreen(), false);
  assert.equal(devices.problem('screen'), 'insecure');
  await devices.restore({ camera: 'x' });
  assert.deepEqual(devices.lists.camera, []);
});

test('a_device_that_was_chosen_once_and_is_gone_gives_way_to_any', async () => {
  const { media, devices } = withDevices();
  media.only();
  media.plug('videoinput', 'Webcam A');
  media.plug('videoinput', 'Webcam B');
  await devices.choose('camera', 'id of Webcam B');
  await devices.open(['camera']);
  assert.equal(devices.track('camera').label, 'Webcam B');
  const before = devices.track('camera');
  await devices.choose('camera', 'id of Webcam A');
  assert.equal(devices.track('camera').label, 'Webcam A');
  assert.equal(before.readyState, 'ended', 'the other one is let go');
  devices.close('camera');
  await devices.choose('camera', 'id of nothing');
  await devices.open(['microphone', 'camera']);
  assert.equal(devices.track('camera').label, 'Webcam A');
  await devices.restore({ camera: 'id of Webcam B', microphone: 'id of nothing' });
  assert.deepEqual([devices.chosen('camera'), devices.chosen('microphone')], ['id of Webcam B', '']);
});

test('what_comes_after_it_was_closed_is_let_go', async () => {
  const { media, devices } = withDevices();
  const opening = devices.open(['microphone', 'camera']);
  devices.closeAll();
  await opening;
  assert.equal(devices.track('camera'), null);
  assert.equal(media.made.length, 2);
  assert.ok(media.made.every(({ readyState }) => readyState === 'ended'));
});

test('a_screen_is_shared_with_its_sound_until_either_side_ends_it', async () => {
  const { media, devices, heard } = withDevices();
  assert.equal(await devices.openScreen(), true);
  assert.equal(devices.track('screen').contentHint, 'detail');
  assert.notEqual(devices.track('sound'), null);
  devices.track('screen').end();
  assert.equal(heard.screenEnded, 1);
  assert.deepEqual([devices.track('screen'), devices.track('sound')], [null, null]);
  await devices.openScreen();
  devices.close('screen');
  assert.ok(media.made.every(({ readyState }) => readyState === 'ended'));

  media.fails.screen = 'NotAllowedError';
  assert.equal(await devices.openScreen(), false);
  assert.equal(devices.problem('screen'), null, 'closing the question is an answer');
  media.fails.screen = 'NotReadableError';
  await devices.openScreen();
  assert.equal(devices.problem('screen'), 'busy');
  const phone = withDevices(Object.assign(new FakeDevices(), { getDisplayMedia: undefined }));
  await phone.devices.openScreen();
  assert.equal(phone.devices.problem('screen'), 'unable');
});

test('a_speaker_that_is_unplugged_is_no_longer_chosen', async () => {
  const { media, devices } = withDevices();
  media.plug('audiooutput', 'Headset');
  await devices.restore({});
  await devices.choose('speaker', 'id of Headset');
  assert.equal(devices.chosen('speaker'), 'id of Headset');
  media.unplug('Headset');
  await settle();
  assert.equal(devices.chosen('speaker'), '');
});

test('who_speaks_is_told_by_words_and_not_by_clicks_and_gaps', () => {
  const speaking = new Speaking();
  const run = (levels, from) => levels.map((level, at) => speaking.add(level, from + at * 100));
  assert.deepEqual(run([0, 0.3, 0, 0], 0), [false, false, false, false], 'a click');
  assert.deepEqual(run([0.1, 0.1, 0.1], 1000), [false, true, true]);
  assert.deepEqual(run([0, 0, 0.1, 0, 0], 2000), [true, true, true, true, true], 'a gap');
  assert.deepEqual(run([0.02, 0.02, 0.02], 2600), [true, true, true], 'in between it stays as it was');
  assert.deepEqual(run([0, 0, 0, 0, 0, 0, 0, 0, 0], 5000).at(-1), false);
  assert.ok(onMeter(0) === 0 && onMeter(0.01) > 0.1 && onMeter(2) === 1);
});

test('what_a_receiver_says_of_long_ago_is_silence', () => {
  const receiver = (timestamp, audioLevel) => ({ getSynchronizationSources: () => [{ timestamp, audioLevel }] });
  assert.equal(receivedLevel(receiver(1000, 0.4), 1200), 0.4);
  assert.equal(receivedLevel(receiver(1000, 0.4), 2000), 0);
  assert.equal(receivedLevel(receiver(1000, undefined), 1100), 0);
  assert.equal(receivedLevel({ getSynchronizationSources: () => [] }, 0), 0);
  assert.equal(receivedLevel(null, 0), 0);
});

test('the_meter_holds_an_audio_context_only_while_it_measures', () => {
  let open = 0;
  class Context {
    state = 'running';
    constructor() {
      open += 1;
    }
    createMediaStreamSource = () => ({ connect() {}, disconnect() {} });
    createAnalyser = () => ({ getFloatTimeDomainData: (samples) => samples.fill(0.5) });
    close = async () => (open -= 1);
  }
  const meter = createMeter({ AudioContext: Context, streamOf: (track) => new FakeStream([track]) });
  assert.equal(meter.level(), 0);
  const track = new FakeTrack('audio');
  meter.use(track);
  meter.use(track);
  assert.equal(open, 1);
  assert.equal(meter.level(), 0.5);
  meter.use(new FakeTrack('audio'));
  assert.equal(open, 1);
  meter.use(null);
  assert.deepEqual([open, meter.level()], [0, 0]);
});

const HD = { width: 1280, height: 720 };
const fit = (options) => encodingFor({ what: 'camera', captured: HD, shown: HD, people: 2, ...options });

test('people_side_by_side_are_of_one_size_within_the_room_and_apart', () => {
  for (let count = 1; count <= 16; count += 1) {
    for (const [width, height] of [[1280, 720], [390, 600], [240, 700], [900, 120], [40, 40]]) {
      const names = Array.from({ length: count }, (_, at) => `p${at}`);
      const places = [...evenly({ width, height, gap: 8, aspect: 16 / 9, names }).values()];
      assert.equal(places.length, count);
      for (const [at, one] of places.entries()) {
        assert.deepEqual([one.width, one.height], [places[0].width, places[0].height]);
        if (width > 200) assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= width + 1 && one.y + one.height <= height + 1, JSON.stringify({ count, width, one }));
        for (const other of places.slice(at + 1)) {
          const apart = other.x >= one.x + one.width || other.y >= one.y + one.height || other.x + other.width <= one.x;
          assert.ok(apart, JSON.stringify({ one, other }));
        }
      }
    }
  }
  const three = [...evenly({ width: 1000, height: 600, gap: 0, aspect: 16 / 9, names: ['a', 'b', 'c'] }).values()];
  assert.deepEqual(three.map(({ x }) => x), [0, 500, 250], 'the last row is in the middle');
  assert.equal(evenly({ width: 0, height: 9, gap: 8, aspect: 1, names: ['a'] }).size, 0);
});

test('a_picture_is_sent_as_large_as_it_is_shown', () => {
  assert.equal(fit({}).scaleResolutionDownBy, 1);
  assert.equal(fit({ shown: { width: 640, height: 360 } }).scaleResolutionDownBy, 2);
  assert.equal(fit({ shown: { width: 600, height: 338 } }).scaleResolutionDownBy, 2);
  assert.equal(fit({ shown: { width: 700, height: 394 } }).scaleResolutionDownBy, 2, 'a little blur is not seen');
  assert.equal(fit({ shown: { width: 160, height: 90 } }).scaleResolutionDownBy, 8);
  assert.equal(fit({ shown: { width: 3840, height: 2160 } }).scaleResolutionDownBy, 1, 'never larger than it is');
  assert.equal(fit({ shown: { width: 200, height: 700 } }).scaleResolutionDownBy, 1, 'what is cut needs its longer side');
  assert.equal(fit({ what: 'screen', shown: { width: 640, height: 360 } }).scaleResolutionDownBy, 1, 'letters need more');
  assert.equal(fit({ captured: { width: 0, height: 0 } }).scaleResolutionDownBy, 1, 'not known yet');
});

test('who_is_not_seen_gets_the_least_and_the_smaller_the_less', () => {
  const rates = [0, 160, 320, 640, 1280].map((width) => fit({ shown: { width, height: (width * 9) / 16 } }));
  rates.reduce((less, more) => {
    assert.ok(less.maxBitrate < more.maxBitrate && less.maxFramerate <= more.maxFramerate, `${less.maxBitrate} < ${more.maxBitrate}`);
    return more;
  });
  assert.ok(rates[0].maxBitrate <= 40_000 && rates[0].maxFramerate === 5);
});

test('all_that_one_page_sends_fits_an_uplink', () => {
  for (const what of ['camera', 'screen']) {
    for (let people = 2; people <= 8; people += 1) {
      for (const shown of [null, HD, { width: 320, height: 180 }]) {
        const one = encodingFor({ what, captured: { width: 1920, height: 1080 }, shown, people });
        assert.ok(one.maxBitrate * (people - 1) <= 6_000_000, `${what}, ${people} people: ${one.maxBitrate}`);
        assert.ok(one.maxBitrate >= 60_000 && one.scaleResolutionDownBy >= 1 && Number.isInteger(one.maxBitrate));
      }
    }
  }
});

test('what_the_other_tells_of_its_tiles_is_read_with_care', () => {
  assert.deepEqual(shownFrom('{"camera":{"width":320,"height":180},"screen":{"width":1,"height":2}}'), {
    camera: { width: 320, height: 180 },
    screen: { width: 1, height: 2 },
  });
  for (const hostile of ['{"camera":{"width":-1,"height":9}}', '{"camera":{"width":1e9,"height":9}}', '{"camera":"x"}', '{}', '[]']) {
    assert.deepEqual(shownFrom(hostile), { camera: { width: 0, height: 0 }, screen: { width: 0, height: 0 } });
  }
  for (const broken of ['', 'null', '{', '7x']) assert.equal(shownFrom(broken), null);
});

test('an_encoding_is_given_once_and_the_last_one_wins', async () => {
  const given = [];
  let encodings = [{}];
  const sender = {
    getParameters: () => ({ encodings: structuredClone(encodings) }),
    async setParameters(parameters) {
      await settle();
      given.push(parameters.encodings[0].maxBitrate);
      ({ encodings } = parameters);
    },
  };
  const give = (maxBitrate) => giveEncoding(sender, { scaleResolutionDownBy: 1, maxBitrate, maxFramerate: 30 });
  await Promise.all([give(1), give(2), give(3)]);
  assert.deepEqual(given, [1, 3]);
  await give(3);
  assert.deepEqual(given, [1, 3]);
  await giveEncoding({ getParameters: () => ({ encodings: [] }) }, {});
  sender.setParameters = async () => {
    throw new Error('closed');
  };
  await give(9);
});
