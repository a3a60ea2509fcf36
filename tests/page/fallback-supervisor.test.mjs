/** Pictures over the end of a session, and attempts at WebRTC beside them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { createSupervisor } from '../../src/web/page/net/supervisor.js';
import { FakeTimers, settle } from './fakes.mjs';

async function begin({ webrtc = true } = {}) {
  const timers = new FakeTimers();
  const run = { timers, sessions: [], statuses: [], pictures: [], alone: [], heard: [], hidden: false };
  const note = (name) => (value) => run.heard.push([name, value]);
  run.supervisor = createSupervisor({
    access: { enter: async () => ({ access: 'open', authorized: true }) },
    timers,
    random: () => 0.5,
    webrtc,
    hidden: () => run.hidden,
    startSession(on, mode) {
      const session = { on, mode, left: 0, hurried: 0, stayed: false };
      session.leave = () => (session.left += 1);
      session.hurry = () => (session.hurried += 1);
      session.stay = () => (session.stayed = true);
      run.sessions.push(session);
      return session;
    },
    onStatus: ({ phase }) => run.statuses.push(phase),
    onAccess() {},
    onPictures(how, alone) {
      run.pictures.push(how);
      run.alone.push(alone);
    },
    on: { welcome: note('welcome'), picture: note('picture'), track: note('track'), end: ({ kind }) => run.heard.push(['end', kind]) },
  });
  run.modes = () => run.sessions.map(({ mode }) => mode);
  run.now = () => run.pictures.at(-1);
  run.supervisor.start();
  await settle();
  return run;
}

/** Blocked from the start: the session goes on by pictures. */
async function blocked() {
  const run = await begin();
  const [first] = run.sessions;
  first.on.welcome('first');
  first.on.pictures({ why: 'blocked', alone: false });
  first.on.state('connected');
  first.on.pictures({ why: null, alone: true });
  return run;
}

test('where no connection comes about the same session goes on by pictures', async () => {
  const run = await begin();
  run.sessions[0].on.pictures({ why: 'blocked', alone: false });
  assert.deepEqual(run.now(), { why: 'blocked', trying: true, retryAt: null }, 'it may yet come about');
  run.sessions[0].on.pictures({ why: null, alone: true });
  assert.deepEqual(run.now(), { why: 'blocked', trying: false, retryAt: 15_000 });
  assert.deepEqual([run.sessions.length, run.sessions[0].left], [1, 0]);
  assert.deepEqual([run.alone[0], run.alone.at(-1)], [false, true], 'then its channels are gone, too');
});

test('WebRTC is tried beside the pictures after 15, 30 and 60 s, by one session at a time', async () => {
  const run = await blocked();
  let from = run.now().retryAt;
  for (const wait of [30_000, 60_000, 60_000]) {
    await run.timers.pass(from - run.timers.time);
    const trial = run.sessions.at(-1);
    assert.deepEqual([trial.mode, run.now().trying], ['trial', true]);
    trial.on.welcome('not heard');
    trial.on.end({ kind: 'lost', why: 'media' });
    assert.equal(run.now().retryAt - run.timers.time, wait);
    from = run.now().retryAt;
  }
  assert.equal(run.supervisor.session, run.sessions[0]);
  assert.deepEqual([run.heard.length, run.sessions[0].left], [1, 0], 'the pictures were not touched');
});

test('when media flows it is the session; the pictures go on until it is shown', async () => {
  const run = await blocked();
  await run.timers.pass(15_000);
  const [pictures, trial] = run.sessions;
  trial.on.welcome('second');
  trial.on.track('track');
  trial.on.state('connected');
  assert.equal(run.heard.length, 1, 'nothing of it is heard before');
  trial.on.flows();
  assert.deepEqual(run.heard.slice(1), [['welcome', 'second'], ['track', 'track']]);
  assert.deepEqual([run.supervisor.session, run.now(), trial.stayed], [trial, null, true]);
  pictures.on.picture('late');
  assert.deepEqual(run.heard.at(-1), ['picture', 'late']);
  pictures.on.welcome('late');
  assert.equal(run.heard.at(-1)[0], 'picture', 'and nothing else');
  assert.equal(pictures.left, 0);
  await run.timers.pass(2000);
  assert.equal(pictures.left, 1);
  pictures.on.picture('too late');
  assert.deepEqual(run.heard.at(-1), ['picture', 'late']);
  assert.ok(!run.statuses.includes('reconnecting'));
  // And what it says from then on is heard.
  trial.on.end({ kind: 'lost', why: 'closed' });
  assert.equal(run.statuses.at(-1), 'reconnecting');
  await run.timers.pass(500);
  assert.equal(run.sessions.at(-1).mode, 'webrtc');
});

test('what broke in mid-session is tried at once when it is given up', async () => {
  const run = await begin();
  run.sessions[0].on.state('connected');
  run.sessions[0].on.pictures({ why: 'lost', alone: false });
  assert.deepEqual(run.now(), { why: 'lost', trying: true, retryAt: null });
  run.sessions[0].on.pictures({ why: null, alone: true });
  assert.deepEqual(run.modes(), ['webrtc', 'trial']);
  assert.deepEqual([run.now().why, run.now().trying], ['lost', true]);
  run.sessions[1].on.end({ kind: 'lost', why: 'media' });
  assert.equal(run.now().retryAt - run.timers.time, 15_000);
});

test('what mends by itself ends the pictures and every plan', async () => {
  const run = await begin();
  run.sessions[0].on.state('connected');
  run.sessions[0].on.pictures({ why: 'lost', alone: false });
  run.sessions[0].on.pictures(null);
  assert.equal(run.now(), null);
  await run.timers.pass(600_000);
  assert.equal(run.sessions.length, 1);
});

test('a session of pictures that is lost is followed by another, and WebRTC is tried again later', async () => {
  const run = await blocked();
  run.sessions[0].on.end({ kind: 'bye', reason: 'connection_failed', message: '', retryMs: 500 });
  await run.timers.pass(1000);
  assert.deepEqual(run.modes(), ['webrtc', 'pictures']);
  run.sessions[1].on.pictures({ why: 'blocked', alone: true });
  run.sessions[1].on.state('connected');
  await run.timers.pass(40_000);
  assert.equal(run.sessions.at(-1).mode, 'trial');
});

test('another network, or a person, has it tried at once', async () => {
  for (const ask of [(run) => run.supervisor.wake(true), (run) => run.supervisor.tryWebRtc()]) {
    const run = await blocked();
    run.supervisor.wake();
    assert.equal(run.sessions.length, 1, 'a mere look does not');
    ask(run);
    assert.equal(run.sessions.at(-1).mode, 'trial');
    ask(run);
    assert.deepEqual(run.sessions.slice(1).map(({ left }) => left), [1, 0], 'the older attempt makes way');
  }
});

test('where nobody looks it is not tried, and at once when somebody does', async () => {
  const run = await blocked();
  run.hidden = true;
  await run.timers.pass(600_000);
  assert.equal(run.sessions.length, 1);
  run.hidden = false;
  run.supervisor.wake();
  assert.equal(run.sessions.at(-1).mode, 'trial');
});

test('leaving ends what runs and what is beside it', async () => {
  const run = await blocked();
  await run.timers.pass(15_000);
  run.supervisor.stop();
  assert.deepEqual(run.sessions.map(({ left }) => left), [1, 1]);
  assert.equal(run.now(), null);
  await run.timers.pass(600_000);
  assert.equal(run.sessions.length, 2);
});

test('a person who begins anew begins with WebRTC', async () => {
  const run = await blocked();
  run.supervisor.retry();
  await settle();
  assert.deepEqual([run.sessions.at(-1).mode, run.now()], ['webrtc', null]);
});

test('a browser without WebRTC has pictures, and nothing is tried', async () => {
  const run = await begin({ webrtc: false });
  run.sessions[0].on.pictures({ why: 'absent', alone: true });
  run.sessions[0].on.state('connected');
  run.supervisor.wake(true);
  await run.timers.pass(600_000);
  assert.deepEqual(run.modes(), ['absent']);
  assert.equal(run.now().why, 'absent');
});
