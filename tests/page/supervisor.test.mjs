/** Coming back by itself: when, how often, and when not. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { delayAfterBye, retryDelay } from '../../src/web/page/net/retry.js';
import { createSupervisor } from '../../src/web/page/net/supervisor.js';
import { FakeTimers, settle } from './fakes.mjs';

function begin({ enter = async () => ({ access: 'open', authorized: true }) } = {}) {
  const timers = new FakeTimers();
  const sessions = [];
  const statuses = [];
  const ends = [];
  const run = {
    timers,
    sessions,
    statuses,
    ends,
    enter,
    get status() {
      return statuses.at(-1);
    },
    phases: () => statuses.map(({ phase }) => phase),
  };
  run.supervisor = createSupervisor({
    access: { enter: (deadlineMs) => run.enter(deadlineMs) },
    timers,
    random: () => 0.5,
    startSession: (on) => {
      const session = { on, left: 0, hurried: [], doubtful: false };
      session.leave = () => (session.left += 1);
      session.hurry = (changed) => session.hurried.push(changed);
      sessions.push(session);
      return session;
    },
    onStatus: (status) => statuses.push(status),
    onAccess: () => {},
    on: { end: (how) => ends.push(how.kind) },
  });
  return run;
}

async function connected(run) {
  run.supervisor.start();
  await settle();
  run.sessions.at(-1).on.state('connected');
  return run;
}

test('a lost connection is tried again at once, then ever more slowly', async () => {
  const run = await connected(begin());
  await run.timers.pass(10_000);
  run.sessions[0].on.end({ kind: 'lost', why: 'closed' });
  assert.equal(run.status.phase, 'reconnecting');
  assert.equal(run.status.cause, 'closed');
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    waits.push(run.status.retryAt - run.timers.time);
    await run.timers.pass(waits.at(-1));
    run.sessions.at(-1).on.end({ kind: 'lost', why: 'refused' });
  }
  assert.ok(waits[0] <= 225, `first after ${waits[0]} ms`);
  assert.ok(waits.every((wait, index) => index === 0 || wait >= waits[index - 1]), String(waits));
  assert.ok(waits.at(-1) <= 7500);
  assert.equal(run.sessions.length, 9);
});

test('a connection that lived makes the next loss a first one; one that did not, does not', async () => {
  const run = await connected(begin());
  await run.timers.pass(6000);
  run.sessions[0].on.end({ kind: 'lost', why: 'closed' });
  assert.equal(run.status.attempt, 1);
  await run.timers.pass(300);
  run.sessions[1].on.state('connected');
  run.sessions[1].on.end({ kind: 'lost', why: 'closed' });
  assert.equal(run.status.attempt, 2);
});

test('a bye with a time is obeyed, never sooner', async () => {
  const run = await connected(begin());
  run.sessions[0].on.end({ kind: 'bye', reason: 'shutdown', message: '', retryMs: 2000 });
  assert.equal(run.status.cause, 'shutdown');
  await run.timers.pass(1999);
  assert.equal(run.sessions.length, 1);
  await run.timers.pass(502);
  assert.equal(run.sessions.length, 2);
});

test('a bye without a time is the end until a person asks', async () => {
  const run = await connected(begin());
  run.sessions[0].on.end({ kind: 'bye', reason: 'too_slow', message: 'sentence', retryMs: null });
  assert.deepEqual([run.status.phase, run.status.cause, run.status.message], ['ended', 'too_slow', 'sentence']);
  await run.timers.pass(3_600_000);
  run.supervisor.wake();
  await settle();
  assert.equal(run.sessions.length, 1);
  run.supervisor.retry();
  await settle();
  assert.equal(run.sessions.length, 2);
  assert.equal(run.status.phase, 'connecting');
});

test('what cannot work is not tried again', async () => {
  const run = await connected(begin());
  run.sessions[0].on.end({ kind: 'impossible', code: 'no_codec', message: 'sentence' });
  await run.timers.pass(3_600_000);
  assert.deepEqual([run.status.phase, run.status.cause, run.sessions.length], ['failed', 'no_codec', 1]);
});

test('who may not watch is asked to sign in, and goes on after it', async () => {
  let authorized = false;
  const run = begin({
    enter: async () => ({ access: 'token', authorized, refusal: { ok: false, code: 'wrong_token', message: '' } }),
  });
  run.supervisor.start();
  await settle();
  assert.deepEqual([run.status.phase, run.status.cause], ['signed-out', 'wrong_token']);
  await run.timers.pass(3_600_000);
  assert.equal(run.sessions.length, 0);
  authorized = true;
  run.supervisor.start();
  await settle();
  assert.equal(run.sessions.length, 1);
});

test('whose way in does not hold any more is told so, and only when the daemon asks to sign in again', async () => {
  const run = await connected(begin());
  run.enter = async () => ({ access: 'token', authorized: false });
  run.sessions[0].on.end({ kind: 'bye', reason: 'revoked', message: '', retryMs: 0 });
  await run.timers.pass(600);
  assert.deepEqual([run.status.phase, run.status.cause], ['signed-out', 'revoked']);
  run.supervisor.start();
  await settle();
  assert.deepEqual([run.status.phase, run.status.cause], ['signed-out', null]);
});

test('a daemon out of reach is tried again', async () => {
  const run = begin({
    enter: async () => {
      throw new Error('network');
    },
  });
  run.supervisor.start();
  await settle();
  assert.deepEqual([run.status.phase, run.status.cause], ['reconnecting', 'unreachable']);
  run.enter = async () => ({ access: 'open', authorized: true });
  await run.timers.pass(300);
  assert.equal(run.sessions.length, 1);
});

test('the network coming back cuts a wait short; a session that runs is only looked at', async () => {
  const run = await connected(begin());
  run.sessions[0].on.end({ kind: 'bye', reason: 'shutdown', message: '', retryMs: 60_000 });
  run.supervisor.wake();
  await settle();
  assert.equal(run.sessions.length, 2);
  run.supervisor.wake();
  await settle();
  run.supervisor.wake(true);
  assert.deepEqual([run.sessions.length, run.sessions[1].hurried], [2, [false, true]]);
});

test('what was asked over a network that has gone is asked again over the one that has come', async () => {
  const run = begin({ enter: () => new Promise(() => {}) });
  run.supervisor.start();
  await run.timers.pass(200);
  run.enter = async () => ({ access: 'open', authorized: true });
  run.supervisor.wake(true);
  await settle();
  assert.equal(run.sessions.length, 0, 'it has hardly been asked');
  await run.timers.pass(400);
  run.supervisor.wake(true);
  await settle();
  assert.equal(run.sessions.length, 1);
});

test('a session that hears nothing is replaced as soon as the daemon answers by another way', async () => {
  const run = await connected(begin());
  await run.timers.pass(6000);
  const deadlines = [];
  run.enter = async (deadlineMs) => {
    deadlines.push(deadlineMs);
    await new Promise((resolve) => run.timers.setTimeout(resolve, deadlineMs));
    throw new Error('aborted');
  };
  run.sessions[0].doubtful = true;
  run.sessions[0].on.doubt();
  run.sessions[0].on.doubt();
  await run.timers.pass(3500);
  assert.deepEqual(deadlines, [1000, 1500, 2250], 'one question at a time, each more patient');
  assert.deepEqual([run.sessions.length, run.status.phase, run.ends], [1, 'connected', []], 'it may mend yet');
  run.enter = async () => ({ access: 'open', authorized: true });
  await run.timers.pass(2500);
  assert.equal(run.sessions.length, 2);
  assert.deepEqual([run.sessions[0].left, run.ends], [1, ['lost']]);
  assert.deepEqual([run.status.phase, run.status.cause], ['reconnecting', 'silent']);
});

test('a session that is heard again in the meantime is kept', async () => {
  const run = await connected(begin());
  let answer;
  run.enter = () => new Promise((resolve) => (answer = resolve));
  run.sessions[0].doubtful = true;
  run.sessions[0].on.doubt();
  run.sessions[0].doubtful = false;
  answer({ access: 'open', authorized: true });
  await settle();
  assert.deepEqual([run.sessions.length, run.sessions[0].left, run.status.phase], [1, 0, 'connected']);
  // And asked after again when it falls silent again.
  run.sessions[0].doubtful = true;
  run.sessions[0].on.doubt();
  answer({ access: 'open', authorized: true });
  await settle();
  assert.equal(run.sessions.length, 2);
});

test('a session that is over is asked after no more', async () => {
  const run = await connected(begin());
  await run.timers.pass(6000);
  let answer;
  run.enter = () => new Promise((resolve) => (answer = resolve));
  run.sessions[0].doubtful = true;
  run.sessions[0].on.doubt();
  run.sessions[0].on.end({ kind: 'lost', why: 'closed' });
  answer({ access: 'open', authorized: true });
  await settle();
  assert.equal(run.sessions.length, 1, 'its end has its own time to try again');
  await run.timers.pass(300);
  answer({ access: 'open', authorized: true });
  await settle();
  assert.equal(run.sessions.length, 2);
});

test('what an older session still says is not heard', async () => {
  const run = await connected(begin());
  run.supervisor.retry();
  await settle();
  const told = run.statuses.length;
  run.sessions[0].on.state('connected');
  run.sessions[0].on.end({ kind: 'lost', why: 'closed' });
  assert.equal(run.statuses.length, told);
  assert.equal(run.sessions[0].left, 1);
});

test('an answer about access that comes after a stop starts nothing', async () => {
  let answer;
  const run = begin({ enter: () => new Promise((resolve) => (answer = resolve)) });
  run.supervisor.start();
  run.supervisor.stop();
  answer({ access: 'open', authorized: true });
  await settle();
  assert.deepEqual([run.sessions.length, run.status.phase, run.status.cause], [0, 'ended', 'left']);
});

test('an interruption is told and taken back', async () => {
  const run = await connected(begin());
  run.sessions[0].on.state('interrupted');
  assert.deepEqual([run.status.phase, run.status.cause], ['reconnecting', 'interrupted']);
  run.sessions[0].on.state('connected');
  assert.equal(run.status.phase, 'connected');
});

test('leaving and going away end the session once each', async () => {
  const run = await connected(begin());
  run.supervisor.suspend();
  run.supervisor.suspend();
  assert.equal(run.sessions[0].left, 1);
  run.supervisor.start();
  await settle();
  run.supervisor.stop();
  assert.deepEqual(run.sessions.map(({ left }) => left), [1, 1]);
  assert.deepEqual(run.ends, ['left', 'left']);
});

test('waits grow, stay bounded and differ between pages', () => {
  for (const random of [() => 0, () => 0.999]) {
    for (let attempt = 1; attempt < 30; attempt += 1) assert.ok(retryDelay(attempt, random) <= 2500, String(attempt));
    let last = 0;
    for (let attempt = 1; attempt < 200; attempt += 1) {
      const wait = retryDelay(attempt, random);
      assert.ok(wait >= last && wait <= 7500, `${attempt}: ${wait}`);
      last = wait;
    }
  }
  assert.notEqual(retryDelay(5, () => 0), retryDelay(5, () => 0.9));
  assert.equal(delayAfterBye(0, () => 0), 0);
  assert.ok(delayAfterBye(1e12, () => 0) <= 600_000);
  assert.equal(delayAfterBye(-5, () => 0), 0);
});

test('a session that lacks something goes on until one beside it has everything', async () => {
  const run = await connected(begin());
  run.sessions[0].on.lacking();
  assert.equal(run.sessions.length, 2);
  const [first, second] = run.sessions;
  second.stay = () => {};
  second.on.state('connected');
  assert.equal(first.left, 0);
  second.on.flows();
  assert.equal(run.supervisor.session, second);
  await run.timers.pass(2000);
  assert.equal(first.left, 1);
  // What the former one says in its last moments is not heard.
  first.on.end({ kind: 'lost', why: 'closed' });
  assert.deepEqual([run.ends, run.status.phase], [[], 'connected']);
});

test('one that comes to nothing disturbs nothing, and is tried again later', async () => {
  const run = await connected(begin());
  run.sessions[0].on.lacking();
  run.sessions[1].on.end({ kind: 'bye', reason: 'full', message: '', retryMs: 500 });
  assert.deepEqual([run.supervisor.session, run.status.phase], [run.sessions[0], 'connected']);
  await run.timers.pass(10_000);
  assert.equal(run.sessions.length, 2);
  // Another network is no reason to forget it.
  run.supervisor.wake(true);
  await run.timers.pass(10_000);
  assert.equal(run.sessions.length, 3);
  // A new session has everything.
  run.sessions[2].on.end({ kind: 'lost', why: 'closed' });
  run.sessions[0].on.end({ kind: 'lost', why: 'closed' });
  await run.timers.pass(300);
  assert.equal(run.sessions.length, 4);
  await run.timers.pass(120_000);
  assert.equal(run.sessions.length, 4);
});
